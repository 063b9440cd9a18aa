import { closeReason } from "./engine/close-reason.ts";
import type { Tenant } from "./local-tenant.ts";
import type { UserSession } from "./sessions.ts";
import { sampleUsers, type Person, type TenantUser } from "./users.ts";

/** A session as it is listed. */
export interface SessionSummary {
  /** Stable over cookie rotations. */
  readonly id: string;
  readonly subject: string;
  readonly userId: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
}

/** The sessions of the tenant, from outside. Without a subject, all are meant; each returns how many it met. */
export interface SessionControl {
  list(): readonly SessionSummary[];
  /** Lets sessions run out, as if their time were over. */
  expire(subject?: string): number;
  /** Ends sessions, as an administrator would. */
  kill(subject?: string): number;
  /** Gives sessions a new `eas.sid`, told with their next answer. */
  rotateCookie(subject?: string): number;
  /** Starts a session as a person who signs in at the tenant does; returns its `Set-Cookie` values. */
  startInteractive(subject: string): readonly string[];
}

/** A living WebSocket. `appId` is empty for the event socket. */
export interface SocketSummary {
  readonly subject: string;
  readonly appId: string;
  readonly tenantSessionId: string;
}

/** The WebSockets of the tenant, from outside; each returns how many it met. */
export interface SocketControl {
  list(): readonly SocketSummary[];
  /** Closes with a code, and a reason that is JSON by default. */
  close(order: { readonly subject?: string; readonly code: number; readonly reason?: string }): number;
  /** Drops the connections without a close frame. */
  destroy(filter?: { readonly subject?: string }): number;
}

/** The users of the tenant, from outside. */
export interface UserControl {
  /** Adds somebody, as an administrator would. */
  add(person: Person): TenantUser;
  list(): readonly TenantUser[];
  /** A disabled user's logins are answered 403 `AUTH-5` (facts §1.4). */
  setStatus(subject: string, status: TenantUser["status"]): void;
}

function summarise({ id, subject, user, createdAt, lastUsedAt }: UserSession): SessionSummary {
  return { id, subject, userId: user.id, createdAt, lastUsedAt };
}

/** Makes the handle on the sessions of a tenant. */
export function createSessionControl(tenant: Pick<Tenant, "sessions" | "users">): SessionControl {
  const { sessions, users } = tenant;
  return {
    list: () => sessions.list().map(summarise),
    expire: (subject) => sessions.endAll("expired", subject),
    kill: (subject) => sessions.endAll("killed", subject),
    rotateCookie: (subject) => sessions.rotate(subject),
    startInteractive(subject) {
      const person: Person = sampleUsers.find((each) => each.subject === subject) ??
        users.find(subject) ?? { subject, name: subject, groups: [] };
      const { cookies } = sessions.start(users.signIn(person));
      return cookies.map(([, value]) => value);
    },
  };
}

/** Makes the handle on the sockets of a tenant. */
export function createSocketControl({ engine, events }: Pick<Tenant, "engine" | "events">): SocketControl {
  return {
    list: () => [...engine.sockets(), ...events.sockets().map((socket) => ({ ...socket, appId: "" }))],
    close({ code, reason = closeReason(code), ...filter }) {
      return engine.closeSockets(filter, code, reason) + events.closeSockets(filter, code, reason);
    },
    destroy: (filter = {}) => engine.destroySockets(filter) + events.destroySockets(filter),
  };
}
