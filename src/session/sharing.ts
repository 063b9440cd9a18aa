import type { Clock } from "../kernel/clock.ts";
import { useSharedPart } from "../registry/overdue.ts";
import type { Registry } from "../registry/registry.ts";
import { touch, update } from "../registry/transitions.ts";
import type { ProxySession } from "./proxy-session.ts";
import { mergeStored, withCookies, type JarPlace, type SessionContent } from "./session-content.ts";
import type { TenantSession } from "./tenant-session.ts";

/** What sharing needs. */
export interface SharingOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly place: JarPlace;
  /** Milliseconds. */
  readonly idleTimeout: number;
}

/** Cookies that the tenant replaced are shared after this, however many come. Milliseconds. */
const shareAfter = 1000;

/** Sessions whose use is told at once. */
const width = 16;

/** Telling of use ends after this: what is left out is told the next time. Milliseconds. */
const patience = 5000;

/** Tells the other nodes what this one learned of a session in the course of its use. */
export class Sharing {
  readonly #options: SharingOptions;
  readonly #sharing = new WeakSet<ProxySession>();

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /**
   * Whether the other nodes may take the session for idle at any moment, so that its use has to be told before it is
   * served. Never true of one that is used all the time.
   */
  isFading(session: ProxySession): boolean {
    const { registry, clock, idleTimeout } = this.#options;
    return registry.isShared && clock.now() - session.shared.usedAt > idleTimeout * (1 - 2 * useSharedPart);
  }

  /** Tells the other nodes that a session is used now; false where it has ended. @throws SessionProxyError `QSP-STORE` */
  async revive(session: ProxySession): Promise<boolean> {
    session.lastUsedAt = this.#options.clock.now();
    return this.#tellUse(session);
  }

  /** Tells the other nodes of the use that they do not know of; not longer than `patience`. rules R3 */
  async use(sessions: readonly ProxySession[]): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + patience;
    // An answer under way is use for as long as it lasts.
    for (const session of sessions) if (session.exchanges > 0) session.lastUsedAt = clock.now();
    const news = sessions.filter((session) => !session.ended && !isShared(session));
    for (let from = 0; from < news.length && clock.now() < until; from += width) {
      await Promise.allSettled(news.slice(from, from + width).map((session) => this.#tellUse(session)));
    }
  }

  /** The tenant replaced cookies of the session: the others should send the new ones. rules R5 */
  cookies(session: ProxySession): void {
    const { clock } = this.#options;
    if (this.#sharing.has(session)) return;
    this.#sharing.add(session);
    clock.setTimer(shareAfter, () => {
      this.#sharing.delete(session);
      if (session.ended) return;
      this.#inBackground(this.#writeCookies(session, session.current));
    });
  }

  async #tellUse(session: ProxySession): Promise<boolean> {
    const { key, birth, lastUsedAt, vouchedAt, expiresAt } = session;
    const isLive = await this.#options.registry.change(key, (record, now, offset) =>
      touch(record, now, {
        key,
        birth,
        use: {
          usedAt: lastUsedAt - offset,
          vouchedAt: vouchedAt - offset,
          expiresAt: expiresAt === undefined ? null : expiresAt - offset,
        },
      }),
    );
    session.shared = { usedAt: lastUsedAt, vouchedAt, expiresAt };
    return isLive;
  }

  async #writeCookies(session: ProxySession, current: TenantSession): Promise<void> {
    const { registry, place } = this.#options;
    const { key, birth } = session;
    const from = { birth, generation: current.generation };
    const names = new Set(current.unshared);
    const sent = valuesOf(current, names);
    let written: SessionContent | null = null;
    const version = await registry.change(key, (record, now) => {
      const content = (before: unknown): unknown => (written = withCookies(before, current, names)) ?? before;
      return update(record, now, { key, from, content });
    });
    // One that was replaced once more meanwhile is still to be told.
    const now = valuesOf(current, names);
    for (const name of names) if (now.get(name) === sent.get(name)) current.unshared.delete(name);
    if (current.unshared.size > 0) this.cookies(session);
    if (version === null) return;
    const stored = (written as SessionContent | null)?.generations.find(
      ({ generation }) => generation === current.generation,
    );
    if (stored) mergeStored(current, stored, place);
    session.version = version;
    registry.tell({ kind: "changed", key, version });
  }

  #inBackground(task: Promise<unknown>): void {
    task.catch(() => {});
  }
}

const isShared = ({ lastUsedAt, expiresAt, shared }: ProxySession): boolean =>
  lastUsedAt <= shared.usedAt && expiresAt === shared.expiresAt;

const valuesOf = (session: TenantSession, names: ReadonlySet<string>): ReadonlyMap<string, string> =>
  new Map(
    session.jar
      .snapshot()
      .filter(({ name }) => names.has(name))
      .map(({ name, value }) => [name, value]),
  );
