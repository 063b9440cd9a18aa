import { SessionProxyError } from "../errors.ts";

/** Turns whatever was thrown into an error of the table; what is none of ours is a fault of ours. */
export function toInternalError(error: unknown): SessionProxyError {
  return error instanceof SessionProxyError ? error : new SessionProxyError("QSP-INTERNAL", { cause: error });
}
