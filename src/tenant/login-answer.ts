import { SessionProxyError } from "../errors.ts";
import { firstHeader } from "../http/raw-headers.ts";
import type { TenantAnswer } from "./port.ts";

/** Seconds to wait where a 429 names none: the tenant counts by the minute. facts §7 */
const throttleWait = 30;

/** The longest that a 429 is obeyed, so that one wrong number does not lock everybody out for days. Seconds. */
const longestThrottle = 3600;

/** What holds for the answer to a login of any kind; null where it is for the kind to say what it means. */
export function commonRefusal(answer: TenantAnswer, now: number): SessionProxyError | null {
  const { status } = answer;
  if (status === 429) {
    return new SessionProxyError("QSP-TENANT-THROTTLED", {
      retryAfter: retryAfter(answer, now),
      reason: "the tenant limits logins (429)",
    });
  }
  if (status >= 500) {
    return new SessionProxyError("QSP-UPSTREAM", { reason: `the login answered ${status}` });
  }
  return null;
}

/** How long a throttled tenant asks for, in whole seconds, 1 or more: given as seconds or as a date. @see RFC 9110 §10.2.3 */
function retryAfter({ headers }: TenantAnswer, now: number): number {
  const value = firstHeader(headers, "retry-after")?.trim() ?? "";
  // The date is the tenant's, and so is the clock that it is to be compared with.
  const wait = /^\d{1,9}$/.test(value)
    ? Number(value)
    : (toDate(value) - (toDate(firstHeader(headers, "date") ?? "") || now)) / 1000;
  return Number.isNaN(wait) ? throttleWait : Math.min(Math.max(1, Math.ceil(wait)), longestThrottle);
}

/** Milliseconds since the Unix epoch; NaN for anything but the date that HTTP writes. @see RFC 9110 §5.6.7 */
const toDate = (text: string): number =>
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN;

/** A body's JSON object; an empty one for anything else. */
export function objectIn(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The first entry of the tenant's `errors`; an empty object where there is none. facts §7 */
export function firstErrorIn(body: Buffer): Readonly<Record<string, unknown>> {
  const { errors } = objectIn(body);
  const first: unknown = Array.isArray(errors) ? errors[0] : null;
  return typeof first === "object" && first !== null ? (first as Record<string, unknown>) : {};
}

/** A code that may stand in a log line; "" for any other text. */
export const shownCode = (code: unknown): string =>
  typeof code === "string" && /^[A-Za-z0-9_-]{1,40}$/.test(code) ? code : "";
