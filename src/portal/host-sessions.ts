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
  /** Starts a session; `cookies` are the values for `Set-Cookie`. */
  start(user: SampleUser): { readonly session: HostSession; readonly cookies: readonly string[] };
  /** Whether the request's browser has had a session. */
  wasHere(request: IncomingMessage): boolean;
  /** Ends the session of the request's cookie. */
  end(request: IncomingMessage): void;
  /** The `Set-Cookie` value that takes the cookie away. */
  readonly removalCookie: string;
}

const cookieName = "portal_session";
/** Outlives the session: a browser that signed out is not signed in again unasked. */
const seenName = "portal_seen";
/** A portal that nobody restarts does not grow without end: the oldest sessions go first. */
const maxSessions = 10_000;

function valueOf(request: IncomingMessage, wanted: string): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === wanted) return value;
  }
  return undefined;
}

const tokenOf = (request: IncomingMessage): string | undefined => valueOf(request, cookieName);

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
      const session = { id: randomBytes(16).toString("base64url"), user };
      sessions.set(token, session);
      for (const oldest of sessions.keys()) {
        if (sessions.size <= maxSessions) break;
        sessions.delete(oldest);
      }
      const cookies = [`${cookieName}=${token}; ${attributes}`, `${seenName}=1; ${attributes}`];
      return { session, cookies };
    },
    wasHere: (request) => valueOf(request, seenName) !== undefined,
    end(request) {
      const token = tokenOf(request);
      if (token !== undefined) sessions.delete(token);
    },
    removalCookie: `${cookieName}=; Max-Age=0; ${attributes}`,
  };
}
