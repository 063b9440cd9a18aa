import type { PreparedRequest } from "./rewrite-request.ts";

/** How long an endpoint's own 401 is remembered. Milliseconds; rules R5 */
const memory = 30_000;

/** Routes remembered; the oldest give way. */
const most = 1000;

/** Remembers endpoints that answer 401 to a living session, so that each is probed once and not per request. */
export class OwnWord {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  isKnown(request: PreparedRequest, status: number): boolean {
    const until = this.#until.get(keyOf(request, status));
    return until !== undefined && this.#now() < until;
  }

  learn(request: PreparedRequest, status: number): void {
    const key = keyOf(request, status);
    this.#until.delete(key);
    this.#until.set(key, this.#now() + memory);
    if (this.#until.size > most) this.#until.delete(this.#until.keys().next().value ?? key);
  }
}

const keyOf = ({ method, path }: PreparedRequest, status: number): string =>
  JSON.stringify([method, status, path]);
