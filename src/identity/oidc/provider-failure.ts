import { SessionProxyError } from "../../errors.ts";

/** What the client libraries throw: a name, a code of theirs, what the provider said, and what lies behind. */
interface Failure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly error?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** A code of OAuth; nothing else that a provider or a browser says is written into a log. */
const oauthCode = /^[a-z_]{1,64}$/;

/** Codes by which a provider says that it cannot, for now. @see RFC 6749 §4.1.2.1 */
const passing = new Set(["server_error", "temporarily_unavailable"]);

/** Codes by which it says that it does not take us: the configuration is wrong. @see RFC 6749 §5.2 */
const ours = new Set(["invalid_client", "unauthorized_client", "invalid_scope", "unsupported_response_type"]);

/** The provider cannot be reached; seconds after which it is tried again. */
export const unreachable = (cause: unknown, retryAfter = 5): SessionProxyError =>
  new SessionProxyError("QSP-IDENTITY", {
    status: 503,
    retryAfter,
    reason: `the OpenID provider cannot be reached: ${causeOf(cause)}`,
    cause,
  });

/** Turns a failed sign-in into an error of ours: whose fault it is follows from who said what. */
export function toSignInError(failure: unknown): SessionProxyError {
  if (failure instanceof SessionProxyError) return failure;
  const { name, code, error, status } = (failure ?? {}) as Failure;
  if (typeof error === "string") {
    const said = oauthCode.test(error) ? error : "an error of its own";
    const reason = `the OpenID provider said ${said}`;
    if (passing.has(error) || (typeof status === "number" && status >= 500))
      return new SessionProxyError("QSP-IDENTITY", { status: 503, retryAfter: 5, reason });
    if (ours.has(error))
      return new SessionProxyError("QSP-IDENTITY", {
        reason: `${reason}: compare clientId, clientSecretFile and scopes with what is registered there`,
      });
    return new SessionProxyError("QSP-UNAUTHENTICATED", { reason });
  }
  const isNetwork = name === "TypeError" || name === "TimeoutError" || code === "OAUTH_TIMEOUT";
  if (isNetwork || code === "OAUTH_RESPONSE_IS_NOT_CONFORM") return unreachable(failure);
  const known = typeof code === "string" && /^[A-Z_]{1,64}$/.test(code) ? ` (${code})` : "";
  return new SessionProxyError("QSP-UNAUTHENTICATED", {
    reason: `the OpenID provider's answer does not belong to this sign-in${known}`,
    cause: failure,
  });
}

/** What lies at the bottom: `fetch` itself only says that it failed. */
function causeOf(failure: unknown): string {
  const { name, code, cause, message } = (failure ?? {}) as Failure;
  if (cause instanceof Error) return causeOf(cause);
  if (typeof code === "string") return code;
  if (name === "TimeoutError") return "no answer in time";
  return typeof message === "string" ? (message.split("\n")[0] ?? "") : "unknown";
}
