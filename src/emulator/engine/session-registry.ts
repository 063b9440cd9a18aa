import type { EmulatorClock } from "../clock.ts";
import { EngineSession, type SessionPlace, type SessionSocket } from "./engine-session.ts";

/** The living engine sessions, one per user, identity and app (facts §5.2). */
export class SessionRegistry {
  readonly #clock: EmulatorClock;
  readonly #sessions = new Map<string, EngineSession>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  /** Attaches a socket to the living session of that place, or to a new one. */
  attach(
    place: SessionPlace,
    socket: SessionSocket,
  ): { readonly session: EngineSession; readonly isNew: boolean } {
    this.#sweep();
    const key = keyOf(place);
    const living = this.#sessions.get(key);
    const session = living ?? new EngineSession(place);
    session.sockets.add(socket);
    session.expiresAt = Number.POSITIVE_INFINITY;
    this.#sessions.set(key, session);
    return { session, isNew: living === undefined };
  }

  /** Takes a socket away; the last one leaves the session for `ttl` seconds of emulator time. */
  detach(session: EngineSession, socket: SessionSocket, ttl: number): void {
    session.sockets.delete(socket);
    if (session.sockets.size === 0) session.expiresAt = this.#clock.now() + ttl * 1000;
    this.#sweep();
  }

  /** How many sessions live. */
  get size(): number {
    this.#sweep();
    return this.#sessions.size;
  }

  /** Ends every session. */
  clear(): void {
    this.#sessions.clear();
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [key, session] of this.#sessions) if (session.expiresAt <= now) this.#sessions.delete(key);
  }
}

function keyOf({ user, identity, appId }: SessionPlace): string {
  return JSON.stringify([user.id, identity, appId]);
}
