import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { randomId } from "../kernel/random.ts";
import type { Registry } from "../registry/registry.ts";
import { tagOf } from "../registry/session-key.ts";
import type { Epochs, Live, SharedClaims } from "../registry/subject-record.ts";
import {
  begin,
  commit,
  extend,
  release,
  type Begun,
  type Committed,
  type From,
} from "../registry/transitions.ts";
import type { Claims } from "../tenant/claims.ts";
import { heldBack, nextHold } from "./gate-hold.ts";
import type { LoginQueue } from "./login-queue.ts";
import { formatContent } from "./session-content.ts";
import { toKnown, type TenantAccess } from "./tenant-access.ts";
import type { TenantSession } from "./tenant-session.ts";
import type { Waiters, Watch } from "./waiters.ts";

/** What logins are made with. */
export interface LoginsOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly tenant: TenantAccess;
  readonly queue: LoginQueue;
  readonly waiters: Waiters;
}

/** One login that is wanted. */
export interface WantedLogin {
  readonly key: string;
  readonly subjectHash: string;
  /** What was known of ends before it. */
  readonly epochs: Epochs;
  /** The session that it renews; null for the first login of a key. */
  readonly from: From;
  /** What the host says of the user, and when; the newest word of all nodes is what the tenant is told. */
  readonly claims: { readonly at: number; readonly value: Claims };
  /** Of a login that nobody waits for, after all users'; aborted when somebody does. Null for the others. */
  readonly patience: AbortSignal | null;
  /** Milliseconds between two renewals for changed claims; null for other causes. rules R9 */
  readonly claimsPause: number | null;
  /** Generations of the session so far, the latest first. */
  readonly before: readonly TenantSession[];
  /** What is new to the other nodes of a session that begins; of a renewed one the use that this node knows of. */
  readonly live: Pick<
    Live,
    "subject" | "hasHostSession" | "openedAt" | "createdAt" | "usedAt" | "vouchedAt" | "expiresAt"
  >;
}

/** How a login went that did not fail. */
export type LoginResult =
  | {
      readonly kind: "committed";
      readonly session: TenantSession;
      readonly version: number;
      readonly birth: string;
      /** What the tenant was told, and when the host said so: another session of the user may have known better. */
      readonly claims: WantedLogin["claims"];
    }
  /** The key or the subject was ended; what was made is ended at the tenant. */
  | { readonly kind: "ended" }
  /** Another login was faster, or is over by now: the store knows more. */
  | { readonly kind: "look-again" }
  /** A renewal for changed claims was tried lately. */
  | { readonly kind: "later" };

/** What a login at the tenant gave. */
interface FreshLogin {
  /** Of the lease that it was made under. */
  readonly token: string;
  readonly fresh: TenantSession;
  readonly claims: WantedLogin["claims"];
}

/** Of a node's name: enough to tell the nodes of one store apart. */
const nameBytes = 6;

/** How long a lease lasts without being renewed: a node that died holds up the others for so long. Milliseconds. */
const leaseFor = 3000;

/** How often a lease is renewed. Milliseconds: three times in its life. */
const extendEvery = 1000;

/** Nodes that are remembered as dead; by then the leases of older ones have run out. */
const mostGone = 64;

/** Waiters look a moment after the lease ran out. Milliseconds. */
const waitMore = 20;

/** A commit whose answer did not come is repeated after this, and so often. Milliseconds; together longer than a failover. */
const commitPause = 500;
const commitTries = 20;

/** So many tries of a commit are waited for by the request; the others go on without it. */
const awaitedTries = 3;

/** Logs in at the tenant, one node at a time for each session key. rules R1 */
export class Logins {
  /** Tells this node from the others: the beginning of its leases' tokens. */
  readonly nodeName: string = randomId(nameBytes);
  readonly #options: LoginsOptions;
  readonly #gone = new Set<string>();

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** Another node is known to be dead: who waits for what it had begun begins anew. */
  nodeGone(name: string): void {
    this.#gone.add(name);
    if (this.#gone.size > mostGone) this.#gone.delete(this.#gone.keys().next().value ?? name);
    this.#options.waiters.wakeAll();
  }

  /** Takes the lease, waits for a place, logs in, and writes the result. @throws SessionProxyError */
  async run(wanted: WantedLogin): Promise<LoginResult> {
    // Listening first: the other node may be done before we have heard that it is at work.
    const watch = this.#options.waiters.watch(wanted.key);
    try {
      return await this.#run(wanted, watch);
    } finally {
      watch.close();
    }
  }

  async #run(wanted: WantedLogin, watch: Watch): Promise<LoginResult> {
    const { clock } = this.#options;
    const token = this.nodeName + randomId(12);
    const startedAt = clock.now();
    const { begun, shared, offset } = await this.#begin(wanted, token);
    switch (begun.kind) {
      case "granted":
        this.#tellLease("granted", clock.now() - startedAt);
        return this.#logIn(wanted, token, shared);
      case "held":
        await watch
          .wait(begun.until + offset - clock.now() + waitMore)
          .finally(() => this.#tellLease("held", clock.now() - startedAt));
        return { kind: "look-again" };
      case "refused":
        throw (
          heldBack({ ...begun.hold, until: begun.hold.until + offset }, clock.now()) ??
          new SessionProxyError("QSP-BUSY", { retryAfter: 1 })
        );
      case "live":
        return { kind: "look-again" };
      default:
        return begun;
    }
  }

  async #begin(
    { key, epochs, from, claimsPause }: WantedLogin,
    token: string,
  ): Promise<{ readonly begun: Begun; readonly shared: SharedClaims | null; readonly offset: number }> {
    return this.#options.registry.change(key, (record, now, offset) => {
      const step = begin(record, now, {
        key,
        epochs,
        from,
        token,
        leaseFor,
        claimsPause,
        isGone: (each) => this.#gone.has(each.slice(0, this.nodeName.length)),
      });
      const shared = record.claims && { ...record.claims, at: record.claims.at + offset };
      return { ...step, outcome: { begun: step.outcome, shared, offset } };
    });
  }

  async #logIn(wanted: WantedLogin, token: string, shared: SharedClaims | null): Promise<LoginResult> {
    const { key, claims } = wanted;
    const newest =
      shared && shared.at > claims.at ? { at: shared.at, value: shared.value as Claims } : claims;
    const stopExtending = this.#keepLease(key, token);
    try {
      const fresh = await this.#askTenant(wanted, token, newest.value);
      return await this.#commit(wanted, { token, fresh, claims: newest });
    } finally {
      stopExtending();
    }
  }

  /** Waits for a place among the logins and logs in; a failure gives the lease back and tells who waits. */
  async #askTenant(wanted: WantedLogin, token: string, claims: Claims): Promise<TenantSession> {
    const { tenant, queue, registry } = this.#options;
    const { key, subjectHash, from, patience } = wanted;
    const stamp = registry.ends.stampOf(key);
    const isVoid = (): boolean => registry.ends.stampOf(key) !== stamp;
    let refusal: SessionProxyError | null = null;
    try {
      const wish = patience ? { background: true, signal: patience } : { background: false };
      const turn = await queue.enter(tagOf(key), wish);
      try {
        const fresh = await tenant.login({ key, subjectHash, isVoid }, claims, (from?.generation ?? 0) + 1);
        turn.succeeded();
        return fresh;
      } catch (error) {
        refusal = toKnown(error);
        turn.failed(refusal);
        throw refusal;
      }
    } catch (error) {
      await this.#release(key, token, refusal);
      throw error;
    }
  }

  /** Writes the result; an answer that did not come may have been a yes, so the commit is repeated, not undone. */
  async #commit(wanted: WantedLogin, login: FreshLogin): Promise<LoginResult> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#commitOnce(wanted, login);
      } catch (error) {
        if (tries < awaitedTries) await this.#pause(commitPause);
        else {
          this.#settle(wanted, login, tries);
          throw error;
        }
      }
    }
  }

  async #commitOnce(wanted: WantedLogin, { token, fresh, claims }: FreshLogin): Promise<LoginResult> {
    const { registry, tenant } = this.#options;
    const { key, epochs, from, live } = wanted;
    const committed = await registry.change<Committed>(key, (record, now, offset) =>
      commit(record, now, {
        key,
        epochs,
        from,
        token,
        claims: { at: claims.at - offset, value: claims.value },
        live: {
          ...live,
          openedAt: live.openedAt - offset,
          createdAt: live.createdAt - offset,
          usedAt: live.usedAt - offset,
          vouchedAt: live.vouchedAt - offset,
          expiresAt: live.expiresAt === null ? null : live.expiresAt - offset,
          content: formatContent([fresh, ...wanted.before], offset),
        },
      }),
    );
    if (committed.kind === "committed") {
      const { version } = committed;
      registry.tell({ kind: "changed", key, version });
      return { kind: "committed", session: fresh, version, birth: from?.birth ?? token, claims };
    }
    await tenant.end(key, fresh);
    return committed.kind === "ended" ? { kind: "ended" } : { kind: "look-again" };
  }

  /** Goes on committing after the request was answered: a login that counts is used, one that does not is ended. */
  #settle(wanted: WantedLogin, login: FreshLogin, tries: number): void {
    const again = async (): Promise<void> => {
      try {
        await this.#commitOnce(wanted, login);
      } catch {
        if (tries < commitTries) this.#settle(wanted, login, tries + 1);
        else await this.#options.tenant.end(wanted.key, login.fresh);
      }
    };
    this.#options.clock.setTimer(commitPause, () => void again());
  }

  async #release(key: string, token: string, refusal: SessionProxyError | null): Promise<void> {
    const { registry } = this.#options;
    let isOurs: boolean;
    try {
      isOurs = await registry.change(key, (record, now) =>
        release(record, now, {
          key,
          token,
          hold: (before, at) => (refusal ? nextHold(before, refusal, at) : before),
        }),
      );
    } catch {
      // The lease runs out by itself.
      return;
    }
    // Who waits for another's login by now is not failed by ours; nor is it by what only this node could not do.
    if (!isOurs) return;
    if (refusal === null) registry.tell({ kind: "changed", key, version: 0 });
    else registry.tell({ kind: "failed", key, code: refusal.code, retryAfter: refusal.retryAfter ?? null });
  }

  /** Renews the lease until it is stopped; one that was lost shows at the commit. */
  #keepLease(key: string, token: string): () => void {
    const { registry, clock } = this.#options;
    if (!registry.isShared) return () => {};
    let cancel = (): void => {};
    const next = (): void => {
      cancel = clock.setTimer(extendEvery, () => {
        registry.change(key, (record, now) => extend(record, now, { key, token, leaseFor })).catch(() => {});
        next();
      });
    };
    next();
    return () => cancel();
  }

  #tellLease(outcome: "granted" | "held", ms: number): void {
    const { origin } = this.#options.tenant;
    publish("session", () => ({ event: "lease.awaited", level: "debug", tenant: origin, outcome, ms }));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.setTimer(ms, resolve));
  }
}
