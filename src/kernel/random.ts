import { randomBytes } from "node:crypto";

/** How many bytes a trace id has. @see W3C Trace Context §3.2.2.3 */
const TRACE_BYTES = 16;

/** Makes an unguessable id of `bytes` random bytes, as base64url text unless hex is asked for. */
export function randomId(bytes: number, encoding: "base64url" | "hex" = "base64url"): string {
  return randomBytes(bytes).toString(encoding);
}

/** Bytes for the ids to come: the generator is asked once for many. Earned by: bench 200B. */
let pool = Buffer.alloc(0);
let used = 0;

/** Makes the id under which one exchange is found in the log: 32 lower-case hex digits. */
export function traceId(): string {
  if (used === pool.length) {
    pool = randomBytes(TRACE_BYTES * 256);
    used = 0;
  }
  used += TRACE_BYTES;
  return pool.toString("hex", used - TRACE_BYTES, used);
}
