/** The errors of the proxy: a closed table. Match on `code`; the class may exist twice in one process. */

/** A code of the table of answers. */
export type ErrorCode =
  | "QSP-TARGET"
  | "QSP-UNAUTHENTICATED"
  | "QSP-CROSS-SITE"
  | "QSP-POLICY"
  | "QSP-TOO-LARGE"
  | "QSP-BUSY"
  | "QSP-IDENTITY"
  | "QSP-USER-REFUSED"
  | "QSP-TENANT-REFUSED"
  | "QSP-TENANT-THROTTLED"
  | "QSP-UPSTREAM"
  | "QSP-TIMEOUT"
  | "QSP-STORE"
  | "QSP-BODY-CONSUMED"
  | "QSP-INTERNAL";

/** Who has to act on an error. */
export type Fault = "client" | "host" | "tenant" | "proxy";

/** What is fixed about a code. */
export interface ErrorRow {
  /** HTTP status of the answer. */
  readonly status: number;
  /** HTTP status of a refused WebSocket upgrade. */
  readonly upgradeStatus: number;
  /** What the user's browser is told; never holds text of the request, the tenant or an exception. */
  readonly title: string;
  readonly fault: Fault;
  /** The `error` parameter of the `Proxy-Status` header. @see RFC 9209 §2.3 */
  readonly proxyStatus: string;
}

const row = (
  status: number,
  upgradeStatus: number,
  fault: Fault,
  proxyStatus: string,
  title: string,
): ErrorRow => ({ status, upgradeStatus, title, fault, proxyStatus });

/** Every code that leaves the proxy in an answer. */
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = {
  "QSP-TARGET": row(
    400,
    400,
    "client",
    "http_request_error",
    "The request target is malformed or ambiguous.",
  ),
  "QSP-UNAUTHENTICATED": row(
    401,
    401,
    "client",
    "http_request_denied",
    "You are not signed in to this application.",
  ),
  "QSP-CROSS-SITE": row(403, 403, "client", "http_request_denied", "The request comes from another site."),
  "QSP-POLICY": row(
    404,
    404,
    "client",
    "http_request_denied",
    "This path or method is not offered by the proxy.",
  ),
  "QSP-TOO-LARGE": row(413, 431, "client", "http_request_error", "The request is too large."),
  "QSP-BUSY": row(503, 503, "proxy", "proxy_internal_response", "The proxy is busy. Try again shortly."),
  "QSP-IDENTITY": row(500, 500, "host", "proxy_internal_error", "The application could not say who you are."),
  "QSP-USER-REFUSED": row(403, 403, "tenant", "http_request_denied", "Qlik does not admit this user."),
  "QSP-TENANT-REFUSED": row(
    502,
    502,
    "host",
    "http_protocol_error",
    "Qlik does not accept this application's sign-in.",
  ),
  "QSP-TENANT-THROTTLED": row(
    503,
    503,
    "tenant",
    "destination_unavailable",
    "Qlik limits the number of sign-ins at the moment.",
  ),
  "QSP-UPSTREAM": row(
    502,
    502,
    "tenant",
    "connection_terminated",
    "Qlik cannot be reached, or broke off its answer.",
  ),
  "QSP-TIMEOUT": row(504, 504, "tenant", "http_response_timeout", "The request or its answer took too long."),
  "QSP-STORE": row(503, 503, "proxy", "proxy_internal_error", "The proxy's session store cannot be reached."),
  "QSP-BODY-CONSUMED": row(
    500,
    500,
    "host",
    "proxy_internal_error",
    "The application read the request's body before the proxy could.",
  ),
  "QSP-INTERNAL": row(500, 500, "proxy", "proxy_internal_error", "The proxy failed."),
};

/** How an error differs from its row in the table. */
export interface SessionProxyErrorOptions {
  /** Another HTTP status than the table's, where the table allows two (413/431, 429/503, 500/503, 400/421). */
  readonly status?: number;
  /** Seconds for the `Retry-After` header; whole, 0 or more. */
  readonly retryAfter?: number;
  /** For the log only, never for an answer: what went wrong and what to do. */
  readonly reason?: string;
  readonly cause?: unknown;
}

/** What the proxy throws, and what its own error answers are made from. */
export class SessionProxyError extends Error {
  override readonly name = "SessionProxyError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly upgradeStatus: number;
  readonly fault: Fault;
  readonly retryAfter: number | undefined;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, options: SessionProxyErrorOptions = {}) {
    const entry = errorTable[code];
    super(
      options.reason === undefined ? entry.title : `${entry.title} (${options.reason})`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.status = options.status ?? entry.status;
    this.upgradeStatus =
      options.status === undefined || code === "QSP-TOO-LARGE" ? entry.upgradeStatus : options.status;
    this.fault = entry.fault;
    this.retryAfter = options.retryAfter;
    this.reason = options.reason;
  }
}

/** One thing that is wrong with a configuration. */
export interface OptionProblem {
  /** Where, as written in the file: `tenant.signingKeys[0].keyId`. */
  readonly path: string;
  /** What is wrong and what would be right. */
  readonly message: string;
}

/** Thrown once for a wrong configuration, with every problem in it. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
  readonly code = "QSP-OPTIONS";
  readonly problems: readonly OptionProblem[];

  constructor(problems: readonly OptionProblem[]) {
    super(
      `The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems
        .map(({ path, message }) => `  ${path}: ${message}`)
        .join("\n")}`,
    );
    this.problems = problems;
  }
}
