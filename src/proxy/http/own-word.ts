import { createHash } from "node:crypto";
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

  isKnown(sessionKey: string, request: PreparedRequest, status: number): boolean {
    const until = this.#until.get(keyOf(sessionKey, request, status));
    return until !== undefined && this.#now() < until;
  }

  learn(sessionKey: string, request: PreparedRequest, status: number): void {
    const key = keyOf(sessionKey, request, status);
    this.#until.delete(key);
    this.#until.set(key, this.#now() + memory);
    if (this.#until.size > most) this.#until.delete(this.#until.keys().next().value ?? key);
  }
}

/** One user's dead session says nothing about another's; a digest, because paths may be long. */
const keyOf = (sessionKey: string, { method, path }: PreparedRequest, status: number): string =>
  createHash("sha256")
    .update(JSON.stringify([sessionKey, method, status, path]))
    .digest("base64");
