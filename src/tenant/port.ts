/** A small request of the proxy's own to the tenant: login, CSRF token, probe, logout. */
export interface TenantRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** Names and values in turn; the host is added by the port. */
  readonly headers: readonly string[];
  /** A text, sent as UTF-8; none by default. */
  readonly body?: string;
  /** Milliseconds until the whole answer must be there. */
  readonly timeout: number;
}

/** The whole answer to a {@link TenantRequest}. */
export interface TenantAnswer {
  readonly status: number;
  /** Names and values in turn, as received. */
  readonly headers: readonly string[];
  /** At most {@link largestOwnAnswer} bytes; what is longer is cut off and never read. */
  readonly body: Buffer;
}

/** The one call that the tenant's floor needs; the upstream fills it. Rejects with a `SessionProxyError`. */
export type TenantCall = (request: TenantRequest) => Promise<TenantAnswer>;

/** Answers to the proxy's own requests are small (facts §2.1, §3); a longer one is not from Qlik. Bytes. */
export const largestOwnAnswer: number = 64 * 1024;

/** Names the proxy in its own requests. */
export const userAgent: string = "qlik-session-proxy";

/** A request of the proxy's own before it is said whose it is. */
export interface OwnRequest {
  readonly method: TenantRequest["method"];
  /** Path and query, without what the tenant is below. */
  readonly path: string;
  /** Value of `Accept`. */
  readonly accept: string;
  /** A text in JSON. */
  readonly body?: string;
  /** Whether it shows itself who it is for, so that the session's cookies and headers stay out of it. */
  readonly standsAlone?: boolean;
}
