import { tagOf } from "../registry/session-key.ts";
import type { ProxySession } from "./proxy-session.ts";

/** The sessions that this node has at hand. */
export class SessionCache {
  readonly #byKey = new Map<string, ProxySession>();
  readonly #byTag = new Map<string, Set<ProxySession>>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): ProxySession | undefined {
    return this.#byKey.get(key);
  }

  /** All sessions, as they are now. */
  all(): ProxySession[] {
    return [...this.#byKey.values()];
  }

  /** All sessions of a subject. */
  ofTag(tag: string): ProxySession[] {
    return [...(this.#byTag.get(tag) ?? [])];
  }

  add(session: ProxySession): void {
    this.#byKey.set(session.key, session);
    const tag = tagOf(session.key);
    this.#byTag.set(tag, (this.#byTag.get(tag) ?? new Set()).add(session));
  }

  /** Takes a session out; the next one under its key stays. */
  remove(session: ProxySession): void {
    if (this.#byKey.get(session.key) === session) this.#byKey.delete(session.key);
    const tag = tagOf(session.key);
    const siblings = this.#byTag.get(tag);
    siblings?.delete(session);
    if (siblings?.size === 0) this.#byTag.delete(tag);
  }
}
