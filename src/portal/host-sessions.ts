import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { SampleUser } from "./sample-users.ts";

/** A signed-in browser of the portal. */
export interface HostSession {
  /** Names the session without being able to open it, unlike the cookie's value. */
  readonly id: string;
  readonly user: SampleUser;
}

/** The portal's own sign-in: sessions in memory, found by a cookie that holds nothing but a random value. */
export interface HostSessions {
  /** The session of the request's cookie. */
  find(request: IncomingMessage): HostSession | undefined;
  /** Starts a session; the answer is the value for `Set-Cookie`. */
  start(user: SampleUser): string;
  /** Ends the session of the request's cookie. */
  end(request: IncomingMessage): void;
  /** The `Set-Cookie` value that takes the cookie away. */
  readonly removalCookie: string;
}

const cookieName = "portal_session";
/** A portal that nobody restarts does not grow without end: the oldest sessions go first. */
const maxSessions = 10_000;

function tokenOf(request: IncomingMessage): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === cookieName) return value;
  }
  return undefined;
}

/** Creates an empty set of sessions. */
export function createHostSessions(): HostSessions {
  const sessions = new Map<string, HostSession>();
  const attributes = "Path=/; HttpOnly; SameSite=Lax";
  return {
    find(request) {
      const token = tokenOf(request);
      return token === undefined ? undefined : sessions.get(token);
    },
    start(user) {
      const token = randomBytes(32).toString("base64url");
      sessions.set(token, { id: randomBytes(16).toString("base64url"), user });
      for (const oldest of sessions.keys()) {
        if (sessions.size <= maxSessions) break;
        sessions.delete(oldest);
      }
      return `${cookieName}=${token}; ${attributes}`;
    },
    end(request) {
      const token = tokenOf(request);
      if (token !== undefined) sessions.delete(token);
    },
    removalCookie: `${cookieName}=; Max-Age=0; ${attributes}`,
  };
}
