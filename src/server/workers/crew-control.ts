import { SessionProxyError } from "../../errors.ts";
import type { Readiness } from "../admin-listener.ts";
import type { SessionControl } from "../admin-sessions.ts";
import { readinessOf } from "../admin.ts";
import type { Crew } from "./crew.ts";
import { PeerGone } from "./peer.ts";

/** Sessions of all workers, as the private listener asks for them. */
export function createCrewControl(crew: Crew): SessionControl {
  return {
    sessions: {
      async list(subject) {
        const [listed, counts] = await inService([
          crew.askOne("list", subject ?? null),
          crew.collect("sockets"),
        ] as const);
        const sockets = new Map<string, number>();
        for (const [key, count] of counts.flat()) sockets.set(key, (sockets.get(key) ?? 0) + count);
        return listed.map((session) => ({ ...session, sockets: sockets.get(session.key) ?? 0 }));
      },
      async revokeKey(key) {
        return someOf(await crew.askAll("revokeKey", key)).some(Boolean);
      },
      hashOf: (subject) => crew.askOne("hashOf", subject).catch(() => null),
    },
    // Each of them ends what it has at hand before it gives its word; one that dies has nothing at hand. rules R15
    async revoke(order) {
      someOf(await crew.askAll("revoke", order));
    },
  };
}

/** Whether new work should come here: to one worker at least, and with none in trouble. */
export async function crewReadiness(crew: Crew): Promise<Readiness> {
  const stats = await crew.collect("stats").catch(() => []);
  return readinessOf({
    storeReachable: stats.length > 0 && stats.every((each) => each.storeReachable),
    loginsHeldBack: stats.some((each) => each.loginsHeldBack),
  });
}

const nobody = (): SessionProxyError =>
  new SessionProxyError("QSP-STORE", { retryAfter: 1, reason: "no worker serves at the moment" });

function someOf<Each>(answers: readonly Each[]): readonly Each[] {
  if (answers.length === 0) throw nobody();
  return answers;
}

async function inService<One, Other>([one, other]: readonly [Promise<One>, Promise<Other>]): Promise<
  [One, Other]
> {
  try {
    return await Promise.all([one, other]);
  } catch (error) {
    throw error instanceof PeerGone ? nobody() : error;
  }
}
