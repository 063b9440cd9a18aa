import { SessionProxyError } from "../../src/errors.ts";
import type { ProxySession } from "../../src/session/proxy-session.ts";
import { cookieFor, type TenantSession } from "../../src/session/tenant-session.ts";
import type { CalmJudge } from "./calm-judge.ts";
import type { Browser, Host } from "./host.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Served, ServingJudge } from "./serving-judge.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { SimulatedTenant, TenantRecord } from "./simulated-tenant.ts";
import type { Trace } from "./trace.ts";
import type { Verdicts } from "./verdicts.ts";

/** Somebody who waits for an answer of a node. */
export interface Waiter {
  readonly node: SimulatedNode;
  readonly what: string;
  readonly since: number;
}

/** What became of a visit: the session of the tenant that answered, or why there was no answer. */
export type VisitOutcome =
  | { readonly kind: "served"; readonly record: TenantRecord }
  | { readonly kind: "refused"; readonly code: string; readonly retryAfter: number | undefined }
  /** The tenant's own 401 went to the browser. */
  | { readonly kind: "passed-on" }
  /** The host did not vouch. */
  | { readonly kind: "nobody" };

/** What visits are made with. */
export interface VisitsOptions {
  readonly scheduler: Scheduler;
  readonly host: Host;
  readonly tenant: SimulatedTenant;
  readonly judge: ServingJudge;
  readonly calm: CalmJudge;
  readonly verdicts: Verdicts;
  readonly trace: Trace;
}

/** What browsers do: requests and sockets, as the proxy's own floors carry them out above the session code. */
export class Visits {
  readonly waiting: Set<Waiter> = new Set();
  readonly #options: VisitsOptions;

  constructor(options: VisitsOptions) {
    this.#options = options;
  }

  /** A request of a browser, at a node. */
  request(node: SimulatedNode, browser: Browser): Promise<VisitOutcome> {
    return this.#visit(node, browser, "a request", (session, served) =>
      this.#exchange(node, session, served),
    );
  }

  /** A browser opens a socket. */
  async open(node: SimulatedNode, browser: Browser): Promise<void> {
    await this.#visit(node, browser, "a socket", async (session, served) => {
      const generation = session.current;
      const release = node.manager.generations.hold(session, generation);
      const record = await this.#ask(node, session, generation);
      if (record === null || session.ended) {
        release();
        if (!session.ended) node.manager.suspect(session, generation);
        return { kind: "passed-on" };
      }
      node.open({ browser: served.browser, session, generation, release });
      return { kind: "served", record };
    });
  }

  async #visit(
    node: SimulatedNode,
    browser: Browser,
    what: string,
    go: (session: ProxySession, served: Served) => Promise<VisitOutcome>,
  ): Promise<VisitOutcome> {
    const { scheduler, host, judge, trace, calm } = this.#options;
    const { process, manager } = node;
    const evidence = host.vouch(browser, process);
    if (evidence === null) return { kind: "nobody" };
    const who = `${browser.user.subject}/${browser.sessionId ?? ""}`;
    trace.note(process.name, () => `gets ${what} of ${who}`);
    const vouchedAt = scheduler.now;
    const asked = { user: browser.user, sessionId: browser.sessionId };
    let session: ProxySession | null = null;
    const outcome = await this.#waitFor(node, `${what} of ${who}`, async () => {
      session = await manager.acquire(evidence);
      const served = { process, browser: asked, session, vouchedAt };
      judge.handedOut(served);
      return go(session, served);
    });
    calm.visited({
      what: `${what} of ${who} at ${process.name}`,
      browser: asked,
      since: vouchedAt,
      outcome,
      session,
    });
    trace.note(process.name, () => `answers ${what} of ${who}: ${shown(outcome)}`);
    return outcome;
  }

  /** Sends a request for a session, once more after an auth loss; breaks off when the session ends. */
  async #exchange(node: SimulatedNode, session: ProxySession, served: Served): Promise<VisitOutcome> {
    const { manager } = node;
    const leave = manager.enter(session);
    let breakOff = (): void => {};
    const over = new Promise<never>((_, reject) => {
      breakOff = () => {
        if (isBrokenOff(session)) reject(new SessionProxyError("QSP-UNAUTHENTICATED"));
      };
    });
    over.catch(() => {});
    session.onEnd.add(breakOff);
    if (session.ended) breakOff();
    try {
      return await Promise.race([this.#sendAgain(node, session, served), over]);
    } finally {
      session.onEnd.delete(breakOff);
      leave();
    }
  }

  async #sendAgain(node: SimulatedNode, session: ProxySession, served: Served): Promise<VisitOutcome> {
    let generation = session.current;
    let isSpent = false;
    for (;;) {
      const release = node.manager.generations.hold(session, generation);
      try {
        const record = await this.#ask(node, session, generation);
        if (isBrokenOff(session)) throw new SessionProxyError("QSP-UNAUTHENTICATED");
        if (record !== null) {
          this.#options.judge.answered(served, record);
          return { kind: "served", record };
        }
        if (isSpent) return { kind: "passed-on" };
        const next = await node.manager.generations.afterAuthLoss(session, generation);
        if (typeof next === "string") return { kind: "passed-on" };
        isSpent = next.isFresh;
        generation = next.generation;
      } finally {
        release();
      }
    }
  }

  async #ask(
    node: SimulatedNode,
    session: ProxySession,
    generation: TenantSession,
  ): Promise<TenantRecord | null> {
    const { process } = node;
    const cookie = cookieFor(generation, "/api/v1/items", process.clock.now());
    const record = await this.#options.tenant.serve(process, cookie);
    if (record !== null) generation.provenAt = process.clock.now();
    return record;
  }

  async #waitFor(
    node: SimulatedNode,
    what: string,
    work: () => Promise<VisitOutcome>,
  ): Promise<VisitOutcome> {
    const waiter: Waiter = { node, what, since: this.#options.scheduler.now };
    this.waiting.add(waiter);
    try {
      return await work();
    } catch (error) {
      if (error instanceof SessionProxyError) {
        return { kind: "refused", code: error.code, retryAfter: error.retryAfter };
      }
      this.#options.verdicts.violated(
        "every-waiter-is-answered",
        `${what}: ${String((error as Error).stack)}`,
      );
      return { kind: "refused", code: "QSP-INTERNAL", retryAfter: undefined };
    } finally {
      this.waiting.delete(waiter);
    }
  }
}

/** At the longest life of a session what is under way may finish. rules R3 */
const isBrokenOff = ({ ended }: ProxySession): boolean => ended !== null && ended !== "lifetime";

function shown(outcome: VisitOutcome): string {
  if (outcome.kind === "served") return outcome.record.id;
  return outcome.kind === "refused" ? outcome.code : outcome.kind;
}
