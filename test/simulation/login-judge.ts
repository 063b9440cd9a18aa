import type { Conditions } from "./conditions.ts";
import type { DocumentWatch } from "./document-watch.ts";
import { idsOf } from "./document-watch.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { Plan } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";
import type { LoginFlight, SimulatedTenant, TenantRecord } from "./simulated-tenant.ts";
import type { Trace } from "./trace.ts";
import type { Verdicts } from "./verdicts.ts";

/** What the judge is made from. */
export interface LoginJudgeOptions {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly conditions: Conditions;
  readonly verdicts: Verdicts;
  readonly trace: Trace;
  readonly tenant: SimulatedTenant;
  readonly watch: DocumentWatch;
  /** The store's clock. */
  readonly storeNow: () => number;
}

/** Judges whether a login had to be: one at a time, none without a cause, none wasted, none left behind. */
export class LoginJudge {
  readonly #options: LoginJudgeOptions;
  /** Which ends the key had seen when the login was sent. */
  readonly #epochs = new WeakMap<LoginFlight, string>();

  constructor(options: LoginJudgeOptions) {
    this.#options = options;
  }

  /** A node has sent a login; no other may be on its way for the same session. */
  sent(flight: LoginFlight): void {
    const { verdicts, trace, conditions, tenant, watch } = this.#options;
    const epoch = watch.epochOfLease(flight.key, flight.by);
    this.#epochs.set(flight, epoch);
    for (const other of tenant.flights) {
      if (other === flight || other.key !== flight.key || other.settledAt !== null) continue;
      if (this.#epochs.get(other) !== epoch) continue;
      // The lease of a node in trouble runs out, and another node takes over; what the store lost, nobody knows.
      const since = other.sentAt - leaseLife;
      if (conditions.lostAt >= since) continue;
      const isTakenOver = conditions.wasTroubled(other.by, since) || conditions.wasTroubled(flight.by, since);
      if (other.by !== flight.by && isTakenOver) continue;
      const short = trace.short("k", flight.key);
      const { name } = flight.by;
      verdicts.violated("one-login", `${name} logs in for ${short} while ${other.by.name} does`);
    }
  }

  /** A login was written down as the successor of `before`, or as the first; a renewal has a cause. */
  committed(id: string, before: string | null): void {
    const { verdicts, trace, tenant, conditions, plan, scheduler } = this.#options;
    const { records } = tenant;
    const record = records.get(id);
    const old = before === null ? undefined : records.get(before);
    if (!record || !old || conditions.lostAt >= old.madeAt) return;
    const { tenantLifetime, renewBefore } = plan.durations;
    const isGone = old.endedAt !== null;
    const isOther = String(old.groups) !== String(record.groups);
    const isOld = scheduler.now - old.madeAt >= tenantLifetime - renewBefore - clockDoubt;
    if (isGone || isOther || isOld) return;
    const short = trace.short("k", record.flight.key);
    verdicts.violated("one-login", `${id} replaces ${old.id} of ${short} for no reason`);
  }

  /** When all is quiet, what a node serves is what all nodes know, or was until a moment ago. */
  mustBeShared({ id, flight, endedAt }: TenantRecord, { process }: SimulatedNode): void {
    const { verdicts, trace, watch, scheduler, storeNow } = this.#options;
    const known = watch.known(flight.key)?.known;
    const ids = idsOf(known?.live?.content);
    if (known && known.changedAt > storeNow() - 1000) return;
    if (ids.includes(id) || (endedAt !== null && endedAt > scheduler.now - 1000)) return;
    const short = trace.short("k", flight.key);
    verdicts.violated("one-login", `${process.name} serves ${id} for ${short}, all others ${ids.join(", ")}`);
  }

  /** Looks at everything that the tenant still has, when all is quiet. */
  lookBack(): void {
    const { tenant, watch, verdicts, trace } = this.#options;
    const kept = new Set<string>();
    for (const record of watch.records.values()) {
      for (const { live } of Object.values(record.keys)) for (const id of idsOf(live?.content)) kept.add(id);
    }
    for (const record of tenant.records.values()) {
      const short = trace.short("k", record.flight.key);
      if (this.#isWasted(record)) {
        verdicts.violated(
          "one-login",
          `${record.id} of ${short} was made in vain by ${record.flight.by.name}`,
        );
      }
      if (record.endedAt === null && !kept.has(record.id) && !this.#mayBeLeft(record)) {
        verdicts.violated(
          "no-leak",
          `${record.id} of ${short}, by ${record.flight.by.name}, was left at the tenant`,
        );
      }
    }
  }

  /** A node without trouble logged in, nothing was ended meanwhile, and its login did not count. */
  #isWasted(record: TenantRecord): boolean {
    const { conditions, watch, scheduler } = this.#options;
    const { flight } = record;
    if (flight.settledAt === null || flight.settledAt > scheduler.now - endingTime) return false;
    if (!flight.succeeded || watch.committed.has(record.id)) return false;
    if (conditions.wasTroubled(flight.by, flight.sentAt - leaseLife)) return false;
    return watch.epochOf(flight.key) === this.#epochs.get(flight);
  }

  #mayBeLeft(record: TenantRecord): boolean {
    const { conditions, watch, scheduler } = this.#options;
    const { flight, logoutFailed, madeAt } = record;
    if (!flight.succeeded || logoutFailed || conditions.lostAt >= madeAt) return true;
    const { by, at } = watch.dropped.get(record.id) ?? { by: flight.by, at: madeAt };
    return by.isDead || at > scheduler.now - endingTime;
  }
}

/** A lease lasts so long without being renewed. Milliseconds; `leaseFor` of the logins */
const leaseLife = 3000;

/** The tenant hears of an end within this, when all is well. Milliseconds. */
const endingTime = 1000;

/** What a node knows of another's times is not more exact. Milliseconds. */
const clockDoubt = 1000;
