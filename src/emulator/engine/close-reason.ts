import { randomBytes } from "node:crypto";

/**
 * The reason that travels with a close code: JSON with a code and a trace id (facts §5.5). Only
 * `QEP-104`, app not found, is on record; other 4xxx codes get one of the same shape from their number.
 */
export function closeReason(code: number): string {
  const name = code === 4204 ? "QEP-104" : `QEP-${code}`;
  return JSON.stringify({ code: name, traceId: randomBytes(16).toString("hex") });
}

/** Close codes the engine uses at the opening (facts §5.5). */
export const CLOSE = { noPermission: 4203, appNotFound: 4204, terminating: 4003 } as const;
