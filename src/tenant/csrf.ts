import { ownText } from "../kernel/own-text.ts";
import { firstHeader, isHeaderValue } from "../http/raw-headers.ts";
import type { OwnRequest, TenantAnswer } from "./port.ts";

/** The header that carries the token, in both directions. facts §3 */
export const csrfHeader = "qlik-csrf-token";

/** Where the tenant gives a token. facts §3 */
export const csrfPath = "/api/v1/csrf-token";

/** The code, at the top level of a 403's body, that says the token was not taken. facts §3 */
const mismatch = "CSRF-TOKEN-2";

/** The largest 403 that is looked into for the code, in bytes. rules R5 */
export const largestCsrfRefusal: number = 8 * 1024;

/** The request that Qlik Cloud answers with 204 and a token in a header. facts §3 */
export const csrfRequest: OwnRequest = { method: "GET", path: csrfPath, accept: "*/*" };

/** Parameters that the proxy owns at Qlik Cloud; a client's are dropped. attacks W17 */
export const cloudParameters: ReadonlySet<string> = new Set([
  csrfHeader,
  "qlik-web-integration-id",
  "accessToken",
]);

/** The token in an answer; undefined where there is none that can be sent again. */
export function csrfTokenIn({ headers }: Pick<TenantAnswer, "headers">): string | undefined {
  const token = firstHeader(headers, csrfHeader);
  return token !== undefined && token !== "" && isHeaderValue(token) ? ownText(token) : undefined;
}

/** Tells whether a 403's body says that the CSRF token was not taken; both places of the code count. facts §3 */
export function refusesCsrf(body: Buffer): boolean {
  try {
    const parsed = JSON.parse(body.toString("utf8")) as { code?: unknown; errors?: { code?: unknown }[] };
    return parsed.code === mismatch || parsed.errors?.[0]?.code === mismatch;
  } catch {
    return false;
  }
}
