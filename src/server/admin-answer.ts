import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, errorTable, SessionProxyError, type SessionProxyErrorOptions } from "../errors.ts";

/** An answer of the private listener. */
export interface AdminAnswer {
  readonly status: number;
  /** Sent as JSON, or as it is where a type is given. */
  readonly body: unknown;
  readonly type?: string;
  /** Beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a refusal differs from its row in the table of errors. */
export interface AdminRefusalOptions extends Pick<
  SessionProxyErrorOptions,
  "status" | "retryAfter" | "cause"
> {
  /** For the operator: what is wrong and what would be right; never text of the request, never a secret. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that the private listener does not carry out. Its `detail` is sent, because only operators get there. */
export class AdminRefusal extends SessionProxyError {
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, { detail, headers = {}, ...options }: AdminRefusalOptions) {
    super(code, { ...options, reason: detail });
    this.detail = detail;
    this.headers = headers;
  }
}

/** The refusal of a request that is written wrongly. */
export const malformed = (detail: string): AdminRefusal => new AdminRefusal("QSP-TARGET", { detail });

/** How long the sender waits where the store is down and said nothing better: its connections are tried again as often. Seconds. */
const retryAfter = 2;

/** Makes the answer to an error, in the shape of all our errors and with what an operator may know beside it. */
export function adminErrorAnswer(error: unknown, traceId: string): AdminAnswer {
  const known = error instanceof SessionProxyError ? error : new SessionProxyError("QSP-INTERNAL");
  const { code, status } = known;
  const wait = known.retryAfter ?? (code === "QSP-STORE" ? retryAfter : undefined);
  const detail = known instanceof AdminRefusal ? { detail: known.detail } : {};
  return {
    status,
    body: { errors: [{ code, title: errorTable[code].title, status: String(status), ...detail }], traceId },
    headers: {
      ...(known instanceof AdminRefusal ? known.headers : {}),
      ...(wait === undefined ? {} : { "Retry-After": String(wait) }),
    },
  };
}

/** Sends an answer; nobody keeps it, and no page reads it. */
export function sendAdminAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, type, headers = {} }: AdminAnswer,
): void {
  const text = type === undefined ? JSON.stringify(body) : String(body);
  response.writeHead(status, {
    "Content-Type": type ?? "application/json",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    ...headers,
  });
  response.end(text);
  if (!request.complete) letGo(request);
}

/** How long a sender may go on with a body that nobody wants; cut off at once, it might miss the answer. Milliseconds. */
const patience = 1000;

function letGo(request: IncomingMessage): void {
  request.resume();
  setTimeout(() => {
    if (!request.complete) request.destroy();
  }, patience).unref();
}
