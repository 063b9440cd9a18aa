import type { Trust } from "./trust.ts";
import type { UpstreamListener, UpstreamRequest } from "./listener.ts";

/** Sends requests to the tenant on one connection, one after the other; it is opened by the first. */
export interface UpstreamClient {
  readonly destroyed: boolean;
  /** Sends a request; `over` is called once, when the listener has been told and another may be sent. */
  dispatch(request: UpstreamRequest, listener: UpstreamListener, over: () => void): void;
  /** Ends the connection at once; what it carries fails. Resolves when it is closed. */
  destroy(): Promise<void>;
}

/** Hears how a client's connection is. */
export interface ConnectionWatch {
  opened(): void;
  /** It is closed, by whomever, or could not be opened. */
  gone(): void;
}

/** Makes a client that is not connected yet. */
export type MakeClient = (watch: ConnectionWatch) => UpstreamClient;

/** What every client needs to know of the tenant; waits in milliseconds. */
export interface ClientOptions {
  readonly origin: string;
  readonly trust: Trust;
  readonly timeouts: { readonly connect: number; readonly headers: number; readonly bodyIdle: number };
  /** How long an unused connection is kept. */
  readonly idle: number;
}
