import type { ProxySession } from "../../src/session/proxy-session.ts";
import type { Browser } from "./host.ts";
import type { EndsTruth } from "./ends-truth.ts";
import type { Plan } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Verdicts } from "./verdicts.ts";
import type { VisitOutcome } from "./visits.ts";

/** One visit, and what became of it. */
export interface Visited {
  readonly what: string;
  readonly browser: Pick<Browser, "user" | "sessionId">;
  /** When it began. Virtual milliseconds. */
  readonly since: number;
  readonly outcome: VisitOutcome;
  /** The session that it was given; null where it was given none. */
  readonly session: ProxySession | null;
}

/** Until when after an end the host's word is not taken, with what clocks may differ. Milliseconds; rules R1 */
const comeBackAfter = 2100;

/** Beside the login, a visit waits for the store, the host and the tenant: some dozens of ways. Milliseconds. */
const patience = 2000;

/** In a world without faults nothing may fail, and nobody waits longer than for one login and a renewal of it. */
export class CalmJudge {
  readonly #plan: Plan;
  readonly #scheduler: Scheduler;
  readonly #ends: EndsTruth;
  readonly #verdicts: Verdicts;

  constructor(options: {
    readonly plan: Plan;
    readonly scheduler: Scheduler;
    readonly ends: EndsTruth;
    readonly verdicts: Verdicts;
  }) {
    this.#plan = options.plan;
    this.#scheduler = options.scheduler;
    this.#ends = options.ends;
    this.#verdicts = options.verdicts;
  }

  /** Judges how a visit went. */
  visited({ what, browser, since, outcome, session }: Visited): void {
    if (this.#plan.faults.size > 0) return;
    const waited = this.#scheduler.now - since;
    if (waited > 2 * this.#plan.slowestLogin + patience) {
      this.#verdicts.violated(
        "every-waiter-is-answered",
        `${what} took ${waited.toFixed(0)} ms without any fault`,
      );
    }
    if (outcome.kind !== "refused") return;
    // At its longest life a session takes with it who waits for its renewal.
    if (session?.ended === "lifetime") return;
    if (outcome.code === "QSP-UNAUTHENTICATED" && this.#mayBeOut(browser, since)) return;
    this.#verdicts.violated("every-waiter-is-answered", `${what} got ${outcome.code} without any fault`);
  }

  /** An end came before or meanwhile, or the host named somebody else when it was asked again. */
  #mayBeOut(browser: Visited["browser"], since: number): boolean {
    if (this.#plan.flips > 0) return true;
    return this.#ends.of(browser).some(
      ({ kind, beganAt, blockedUntil, sessionId }) =>
        (kind === "logout" && sessionId !== undefined) ||
        (kind === "revoke" && browser.sessionId !== undefined) ||
        // A node knows the store's clock to half a round trip.
        Math.max(blockedUntil, beganAt + comeBackAfter) + clockDoubt >= since,
    );
  }
}

/** Longer than half a round trip in a world without faults. Milliseconds. */
const clockDoubt = 100;
