import type { Clock } from "../kernel/clock.ts";
import type { Seal } from "../store/seal.ts";
import type { SessionStore } from "../store/session-store.ts";
import type { Backend } from "../tenant/backend.ts";
import type { TenantCall } from "../tenant/port.ts";
import type { ProxySession } from "./proxy-session.ts";
import type { SessionDurations } from "./session-deadlines.ts";

/** What the manager needs from the floors around it. */
export interface SessionManagerOptions {
  readonly clock: Clock;
  readonly store: SessionStore;
  readonly seal: Seal;
  readonly tenant: {
    readonly origin: string;
    /** How users are signed in at the start. */
    readonly backend: Backend;
    /** Whether cookies marked `Secure` may be sent: on https, or where plain http was asked for. */
    readonly useSecureCookies: boolean;
  };
  readonly durations: SessionDurations;
  /** Milliseconds for each request of the proxy's own to the tenant. */
  readonly loginTimeout: number;
  readonly loginsPerMinute: number;
  /** Milliseconds for one call of the store. */
  readonly storeTimeout: number;
  /** How long known sessions are served while the store is down. Milliseconds. */
  readonly storeGrace: number;
  /** The call to the tenant for one session key; its connections are not shared with other sessions. */
  readonly callFor: (key: string) => TenantCall;
  /** Whether the session has sockets; they must not outlive what the host last said. */
  readonly hasSockets: (session: ProxySession) => boolean;
  /** Sockets of the session have to pass admission again (4003), or are over (4203). */
  readonly closeSockets: (session: ProxySession, code: 4003 | 4203, reason: string) => void;
  /** The session is gone; its connections may be closed. */
  readonly released: (key: string) => void;
}
