import { publish } from "../kernel/channels.ts";
import { within } from "../kernel/deadline.ts";
import type { ListedSession, SessionProxy } from "../proxy/session-proxy.ts";
import { shownKey } from "../session/proxy-session.ts";
import { type AdminAnswer, AdminRefusal, malformed } from "./admin-answer.ts";
import { parseQuery, type RevokeOrder, toKey, toRevokeOrder, toSubject } from "./admin-order.ts";

/** What the private listener asks of a proxy. */
export interface SessionControl extends Pick<SessionProxy, "revoke"> {
  readonly sessions: Pick<SessionProxy["sessions"], "list" | "revokeKey"> & {
    hashOf(subject: string): string | null | Promise<string | null>;
  };
}

/** How many sessions are listed unless another number is asked for, and at most. */
const usualLimit = 1000;
const largestLimit = 100_000;

/** Answers `GET /sessions`: the last used first. @throws AdminRefusal, SessionProxyError */
export async function listSessions(control: SessionControl, queryText: string): Promise<AdminAnswer> {
  const query = parseQuery(queryText, ["subject", "key", "limit"]);
  const limit = toLimit(query["limit"]);
  const subject = query["subject"] === undefined ? undefined : toSubject(query["subject"]);
  const key = query["key"] === undefined ? undefined : toKey(query["key"]);
  const found = (await control.sessions.list(subject))
    .filter((session) => key === undefined || session.key === key)
    .toSorted((one, other) => other.lastUsedAt - one.lastUsedAt);
  return {
    status: 200,
    body: found.slice(0, limit).map(shown),
    headers: { "X-Total-Count": String(found.length) },
  };
}

/** What is sent is named here, so that a field for other eyes does not go out with the rest. */
const shown = (session: ListedSession): ListedSession => {
  const { key, subject, createdAt, lastUsedAt, expiresAt, generation, sockets, tenant } = session;
  const common = { key, subject, createdAt, lastUsedAt, expiresAt, generation, sockets };
  return tenant === undefined ? common : { ...common, tenant };
};

function toLimit(text: string | undefined): number {
  if (text === undefined) return usualLimit;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= largestLimit) return limit;
  throw malformed(`limit must be a number from 1 to ${largestLimit}`);
}

/** Answers `DELETE /sessions`. @throws AdminRefusal, SessionProxyError */
export async function deleteSessions(
  control: SessionControl,
  revoker: Revoker,
  queryText: string,
): Promise<AdminAnswer> {
  const order = toRevokeOrder(parseQuery(queryText, ["subject", "key", "blockFor"]));
  const revoked = "key" in order ? 1 : await countOf(control, order.subject);
  const found = await revoker.carryOut(order, "DELETE /sessions");
  if (found) return { status: 200, body: { revoked } };
  throw new AdminRefusal("QSP-POLICY", { detail: "there is no session with this key" });
}

/** How long an end waits for being counted: out means out within a second. Milliseconds; product C4 */
const countWait = 250;

/** How many sessions a subject has; null where the store is too slow to say. */
async function countOf({ sessions }: SessionControl, subject: string): Promise<number | null> {
  try {
    return (await within(countWait, sessions.list(subject), () => new Error("late"))).length;
  } catch {
    // A store that cannot be read is no reason not to end what is here.
    return null;
  }
}

/** How long the log waits for the hash of a subject, which another process has where there are workers. Milliseconds. */
const hashWait = 250;

/** How a subject is called in the log; null where nobody says so in time. */
async function hashIn({ sessions }: SessionControl, order: RevokeOrder): Promise<string | null> {
  if ("key" in order) return null;
  const asked = Promise.resolve(sessions.hashOf(order.subject));
  return within(hashWait, asked, () => new Error("late")).catch(() => null);
}

/** Who gave an order, for the log. */
export type OrderedBy = "DELETE /sessions" | "POST /revoke with the token" | "POST /revoke, signed";

/** Carries out orders, and writes each of them down. */
export interface Revoker {
  /**
   * Resolves when the store has the end; false where a key has no session.
   *
   * @throws SessionProxyError QSP-STORE; what is on this node has ended all the same
   */
  carryOut(order: RevokeOrder, by: OrderedBy): Promise<boolean>;
}

/** Creates what carries out orders. */
export function createRevoker(control: SessionControl): Revoker {
  const revoke = async (order: RevokeOrder): Promise<boolean> => {
    if ("key" in order) return control.sessions.revokeKey(order.key);
    await control.revoke(order);
    return true;
  };
  return {
    async carryOut(order, by) {
      // The log waits for the order, and never the order for the log.
      const revoking = revoke(order);
      revoking.catch(() => {});
      const subjectHash = await hashIn(control, order);
      const whom = {
        ...("key" in order ? { session: shownKey(order) } : {}),
        ...(subjectHash === null ? {} : { subjectHash }),
      };
      try {
        const found = await revoking;
        const outcome = found ? "done" : "no such session";
        publish("session", () => ({ event: "session.revoked", ...whom, reason: by, outcome }));
        return found;
      } catch (error) {
        publish("session", () => ({
          event: "session.revoked",
          level: "error",
          ...whom,
          code: codeOf(error),
          reason: `${by}: not acknowledged by the store`,
          outcome: "failed",
        }));
        throw error;
      }
    },
  };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "QSP-INTERNAL";
