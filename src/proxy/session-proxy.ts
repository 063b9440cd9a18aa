import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** A host middleware, as Express and Connect know it. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The handler of a session proxy, and the handles on it. */
export interface SessionProxy {
  /**
   * Answers a request below the prefix; hands any other to `next`, or answers 404 where there is none.
   *
   * It never throws and never rejects.
   */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * Takes the WebSocket upgrades of a server that are below the prefix; other handlers keep theirs.
   *
   * `before` are host middlewares (a session, say) that run on each of our upgrades, so that `identify` sees what they
   * set. Returns a function that lets go of the server again.
   */
  attach(server: Server, options?: { readonly before?: readonly Middleware[] }): () => void;
  /** Logs out the user of a request: open sockets and requests end, and the session at the tenant. */
  logout(request: IncomingMessage): Promise<void>;
  /** Ends every session of a subject; with `blockFor` (milliseconds, default 0) no new one begins for so long. */
  revoke(options: { readonly subject: string; readonly blockFor?: number }): Promise<void>;
  /** Lets running exchanges finish and moves sockets to another node; resolves when nothing is in flight. */
  drain(): Promise<void>;
  /** Ends everything, sessions at the tenant included; resolves when no socket is left. */
  close(): Promise<void>;
  /** What is going on now. */
  stats(): SessionProxyStats;
}

/** Counts of this moment. */
export interface SessionProxyStats {
  readonly sessions: number;
  readonly sockets: number;
  /** Requests and handshakes under way. */
  readonly inFlight: number;
  readonly draining: boolean;
  /** Whether the tenant refuses or throttles every login at the moment. */
  readonly loginsHeldBack: boolean;
}
