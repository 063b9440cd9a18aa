import type { ProxySession } from "../../src/session/proxy-session.ts";
import type { Browser } from "./host.ts";
import type { EndsTruth, TrueEnd } from "./ends-truth.ts";
import { beginning, type Scheduler } from "./scheduler.ts";
import type { SimulatedNode, SimulatedSocket } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { TenantRecord } from "./simulated-tenant.ts";
import type { Trace } from "./trace.ts";
import type { Verdicts } from "./verdicts.ts";

/** One answer that reached a browser, or a socket that still stands. */
export interface Served {
  readonly process: SimulatedProcess;
  readonly browser: Pick<Browser, "user" | "sessionId">;
  readonly session: ProxySession;
  /** When the host vouched for it. */
  readonly vouchedAt: number;
}

/** A request that was in the process when it was paused is answered this much later, at most. Milliseconds. */
const afterPause = 1500;

/** Judges what is served: to whom, and whether it was over. */
export class ServingJudge {
  readonly #scheduler: Scheduler;
  readonly #ends: EndsTruth;
  readonly #verdicts: Verdicts;
  readonly #trace: Trace;
  readonly #owners = new Map<string, string>();

  constructor(options: {
    readonly scheduler: Scheduler;
    readonly ends: EndsTruth;
    readonly verdicts: Verdicts;
    readonly trace: Trace;
  }) {
    this.#scheduler = options.scheduler;
    this.#ends = options.ends;
    this.#verdicts = options.verdicts;
    this.#trace = options.trace;
  }

  /** A session was handed out to a browser. */
  handedOut(served: Served): void {
    const { session, browser, process } = served;
    const owner = ownerOf(browser);
    const known = this.#owners.get(session.key);
    if ((known !== undefined && known !== owner) || session.subject !== browser.user.subject) {
      this.#verdicts.violated("never-another-user", `${process.name} gave ${owner} the session of ${known}`);
    }
    this.#owners.set(session.key, owner);
  }

  /** The tenant's answer for a session went to a browser. */
  answered(served: Served, record: TenantRecord): void {
    const { browser, process, session } = served;
    if (record.subject !== browser.user.subject || this.#isForeign(record, session)) {
      const owner = ownerOf(browser);
      this.#verdicts.violated("never-another-user", `${process.name} served ${owner} from ${record.id}`);
    }
    this.#mustNotBeOver(served, `an answer of ${record.id}`);
  }

  /** Looks at every socket of a node. */
  look(node: SimulatedNode): void {
    if (node.process.isDead || node.process.isPaused) return;
    for (const socket of node.sockets) this.#mustNotBeOver(this.#asServed(node, socket), "a socket");
  }

  #asServed({ process }: SimulatedNode, { browser, session }: SimulatedSocket): Served {
    return { process, browser, session, vouchedAt: trueTime(session.vouchedAt, process) };
  }

  /** A login for another key. */
  #isForeign(record: TenantRecord, session: ProxySession): boolean {
    return record.flight.key !== session.key;
  }

  #mustNotBeOver(served: Served, what: string): void {
    const { now } = this.#scheduler;
    const { process, session, browser } = served;
    const openedAt = trueTime(session.openedAt, process);
    for (const end of this.#ends.of(browser)) {
      if (!this.#ends.isOver(end, openedAt) && served.vouchedAt >= end.beganAt) continue;
      const deadline = Math.max(this.#ends.deadline(end, process), process.resumedAt + afterPause);
      if (now <= deadline) continue;
      this.#verdicts.violated("out-means-out", this.#describe(end, served, { what, late: now - deadline }));
      return;
    }
  }

  #describe(
    end: TrueEnd,
    served: Served,
    { what, late }: { readonly what: string; readonly late: number },
  ): string {
    const acknowledged = end.acknowledgedAt?.toFixed(0) ?? "never";
    return (
      `${served.process.name} served ${ownerOf(served.browser)} ${what} (${this.#trace.short("k", served.session.key)}), ` +
      `${late.toFixed(0)} ms too late for the ${end.kind} on ${end.by.name} ` +
      `begun at ${end.beganAt.toFixed(0)}, acknowledged at ${acknowledged}`
    );
  }
}

/** The true time at which a process's clock showed `at`. */
const trueTime = (at: number, process: SimulatedProcess): number => at - beginning - process.skew;

const ownerOf = ({ user, sessionId }: Pick<Browser, "user" | "sessionId">): string =>
  sessionId === undefined ? user.subject : `${user.subject}/${sessionId}`;
