import { SessionProxyError } from "../errors.ts";

/** Codes of our own client, of undici and node that mean a wait was too long. */
const timeouts: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
  "HTTP1_CONNECT_TIMEOUT",
  "HTTP1_HEADERS_TIMEOUT",
  "HTTP1_BODY_TIMEOUT",
]);

/** Codes of a connection that broke, on which a request may not have been read at all. */
const broken: ReadonlySet<string> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", "HTTP1_CLOSED"]);

/** What was under way when the proxy ended it. */
export const aborted = (): SessionProxyError =>
  new SessionProxyError("QSP-UPSTREAM", { reason: "aborted by the proxy" });

/** Turns whatever a connection failed with into an error of the table, with what may be kept of it as its cause. */
export function toUpstreamError(error: unknown): SessionProxyError {
  if (error instanceof SessionProxyError) return error;
  const code = codeOf(error);
  return new SessionProxyError(timeouts.has(code) ? "QSP-TIMEOUT" : "QSP-UPSTREAM", {
    reason: code === "" ? "the connection failed" : code,
    cause: causeOf(error),
  });
}

/**
 * The words and the code of a failure. What hangs on it is left behind: the bytes that a parser did not understand may hold
 * cookies, and an error is printed with everything on it.
 */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const { name, message, stack } = error;
  const code = codeOf(error);
  return Object.assign(new Error(message), { name, stack, ...(code === "" ? {} : { code }) });
}

/** Tells whether a failure is a connection that broke, as an idle one does when the tenant closes it meanwhile. */
export function isBrokenConnection(error: SessionProxyError): boolean {
  return error.code === "QSP-UPSTREAM" && broken.has(codeOf(error.cause));
}

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : "";
};
