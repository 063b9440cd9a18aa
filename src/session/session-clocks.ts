import type { Clock } from "../kernel/clock.ts";
import { nextDeadline, type Deadline, type SessionDurations } from "./session-deadlines.ts";
import type { ProxySession } from "./proxy-session.ts";

/** What the clocks of all sessions share. */
export interface SessionClocksOptions {
  readonly clock: Clock;
  readonly durations: SessionDurations;
  /** Whether the session has sockets; they must not outlive what the host last said. */
  readonly hasSockets: (session: ProxySession) => boolean;
  /** A deadline has come; it must not stay the next one. */
  readonly meet: (session: ProxySession, what: Deadline["what"]) => void;
}

/** Timers wait at least this long, so that a deadline that stays due cannot spin. Milliseconds. */
const shortestWait = 100;

/** One timer for each session, set to whatever is due next. rules R3 */
export class SessionClocks {
  readonly #options: SessionClocksOptions;
  readonly #timers = new Map<ProxySession, () => void>();

  constructor(options: SessionClocksOptions) {
    this.#options = options;
  }

  /** Sets the timer anew: the session was used, renewed or vouched for. */
  schedule(session: ProxySession): void {
    this.cancel(session);
    if (session.ended) return;
    const { clock, meet } = this.#options;
    const wait = Math.max(shortestWait, this.due(session).at - clock.now());
    const fire = (): void => {
      this.#timers.delete(session);
      const due = this.due(session);
      if (due.at <= clock.now()) meet(session, due.what);
      this.schedule(session);
    };
    this.#timers.set(session, clock.setTimer(wait, fire));
  }

  cancel(session: ProxySession): void {
    this.#timers.get(session)?.();
    this.#timers.delete(session);
  }

  due(session: ProxySession): Deadline {
    const { durations, hasSockets } = this.#options;
    return nextDeadline(session, durations, { sockets: hasSockets(session) });
  }

  /** The clock by which a session is over; null while none is. A timer may be late, on a machine that slept. */
  overdue(session: ProxySession): EndingClock | null {
    const { what, at } = this.due(session);
    return isEnding(what) && at <= this.#options.clock.now() ? what : null;
  }
}

/** The clocks that end a session. */
export type EndingClock = "idle" | "expired" | "lifetime";

/** Whether a session ends when this is due. */
export const isEnding = (what: Deadline["what"]): what is EndingClock =>
  what === "idle" || what === "expired" || what === "lifetime";
