/** What `GET /console/state` answers: src/server/console/console.ts says what it means. */
export interface ConsoleState {
  readonly now: number;
  readonly startedAt: number;
  readonly tenant: string;
  readonly readiness: string;
  readonly stats: {
    readonly sessions: number;
    readonly sockets: number;
    readonly inFlight: number;
    readonly upstream: { readonly connections: number; readonly opened: number; readonly requests: number };
  };
  readonly process: { readonly memory: number; readonly cpu: number };
  readonly routeClasses: readonly string[];
  readonly pointEvery: number;
  readonly points: readonly Point[];
  readonly events: readonly RecentEvent[];
}

export interface Point {
  readonly at: number;
  readonly requests: readonly number[];
  readonly errors: readonly number[];
  readonly sessions: number;
  readonly sockets: number;
  readonly down: number;
  readonly up: number;
  readonly logins: number;
  readonly tenant50: number | null;
  readonly tenant95: number | null;
  readonly login50: number | null;
  readonly login95: number | null;
}

export interface RecentEvent {
  readonly id: number;
  readonly at: number;
  readonly level: string;
  readonly event: string;
  readonly session?: string;
  readonly status?: number;
  readonly code?: string | number;
  readonly reason?: string;
  readonly outcome?: string;
}

/** A row of `GET /sessions`. */
export interface Session {
  readonly key: string;
  readonly subject: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly sockets: number;
}

/** The charts show so much. Milliseconds. */
const shown = 15 * 60_000;

/** What has come so far; the process may start anew between two answers. */
export class Timeline {
  points: readonly Point[] = [];
  events: readonly RecentEvent[] = [];
  #startedAt = 0;

  /** What to ask for next: what came after what is here. */
  query(): string {
    return `point=${this.points.at(-1)?.at ?? 0}&event=${this.events.at(-1)?.id ?? 0}`;
  }

  /** Takes an answer; where it is about another process than the one before, everything is asked for again next time. */
  take(state: ConsoleState): void {
    const isSame = this.#startedAt === 0 || this.#startedAt === state.startedAt;
    this.#startedAt = state.startedAt;
    if (!isSame) {
      this.points = [];
      this.events = [];
      return;
    }
    this.points = [...this.points, ...state.points].filter(({ at }) => at > state.now - shown);
    this.events = [...this.events, ...state.events].slice(-200);
  }
}
