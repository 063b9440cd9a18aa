import type { Clock } from "../kernel/clock.ts";
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
}

/** Cookies that the tenant replaced are shared after this, however many come. Milliseconds. */
const shareAfter = 1000;

/** Tells the other nodes what this one learned of a session in the course of its use. */
export class Sharing {
  readonly #options: SharingOptions;
  readonly #sharing = new WeakSet<ProxySession>();

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /** Tells the other nodes of the use that they do not know of. rules R3 */
  async use(sessions: readonly ProxySession[]): Promise<void> {
    const { registry, clock } = this.#options;
    for (const session of sessions) {
      // An answer under way is use for as long as it lasts.
      if (session.exchanges > 0) session.lastUsedAt = clock.now();
      const { key, birth, lastUsedAt, vouchedAt, expiresAt } = session;
      if (session.ended || isShared(session)) continue;
      await registry.change(key, (record, now, offset) =>
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

  async #writeCookies(session: ProxySession, current: TenantSession): Promise<void> {
    const { registry, place } = this.#options;
    const { key, birth } = session;
    const from = { birth, generation: current.generation };
    const names = new Set(current.unshared);
    // Replaced once more while this is written, a cookie is noted once more.
    current.unshared.clear();
    let written: SessionContent | null = null;
    let version: number | null;
    try {
      version = await registry.change(key, (record, now) => {
        const content = (before: unknown): unknown =>
          (written = withCookies(before, current, names)) ?? before;
        return update(record, now, { key, from, content });
      });
    } catch (error) {
      for (const name of names) current.unshared.add(name);
      throw error;
    }
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
