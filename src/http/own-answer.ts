import { STATUS_CODES } from "node:http";
import { errorTable, type SessionProxyError } from "../errors.ts";
import { errorPage, errorPagePolicy } from "./error-page.ts";

/** An answer that we give ourselves. */
export interface OwnAnswer {
  readonly status: number;
  /** Name, value, name, value …; holds the body's type and length. */
  readonly headers: string[];
  readonly body: Buffer;
}

/** What an error answer depends on besides the error. */
export interface AnsweredRequest {
  /** Whether a person sees the answer: `Sec-Fetch-Mode: navigate`. */
  readonly navigation: boolean;
  /** 32 hex digits that are in the log too. */
  readonly traceId: string;
  /** Whether a WebSocket was asked for. */
  readonly upgrade?: boolean;
}

/**
 * Makes the answer to an error: the tenant's own shape, or a small page for a navigation. Nothing of the request,
 * of the tenant or of an exception is in it; the trace id leads to the log, where the reason is.
 */
export function errorAnswer(error: SessionProxyError, request: AnsweredRequest): OwnAnswer {
  const { code, retryAfter } = error;
  const upgrade = request.upgrade === true;
  const status = upgrade ? error.upgradeStatus : error.status;
  const { title, proxyStatus } = errorTable[code];
  const asPage = request.navigation && !upgrade;
  const text = asPage
    ? errorPage({ title, code, traceId: request.traceId, status })
    : JSON.stringify({ errors: [{ code, title, status: String(status) }], traceId: request.traceId });
  const body = Buffer.from(text);
  const headers = [
    "Content-Type",
    asPage ? "text/html; charset=utf-8" : "application/json",
    "Content-Length",
    String(body.length),
    "Cache-Control",
    "no-store",
    "X-Content-Type-Options",
    "nosniff",
    "Content-Security-Policy",
    asPage ? errorPagePolicy : "default-src 'none'",
    "Cross-Origin-Resource-Policy",
    "same-origin",
    "Vary",
    "Origin, Sec-Fetch-Site, Cookie",
    "Proxy-Status",
    `qlik-session-proxy; error=${proxyStatus}`,
  ];
  if (retryAfter !== undefined) headers.push("Retry-After", String(retryAfter));
  return { status, headers, body };
}

/** Writes an answer down as the raw response to a refused upgrade, after which the connection ends. */
export function upgradeRefusal(answer: OwnAnswer): string {
  let head = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? "Refused"}\r\n`;
  for (let i = 0; i + 1 < answer.headers.length; i += 2) {
    const name = (answer.headers[i] as string).toLowerCase();
    if (name === "content-length" || name === "connection" || name === "transfer-encoding") continue;
    head += `${answer.headers[i] as string}: ${answer.headers[i + 1] as string}\r\n`;
  }
  return `${head}Content-Length: ${answer.body.length}\r\nConnection: close\r\n\r\n${answer.body.toString()}`;
}
