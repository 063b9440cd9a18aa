import { ownText } from "../kernel/own-text.ts";
import { firstHeader, isHeaderValue } from "../http/raw-headers.ts";
import { isAuthLoss } from "./auth-loss.ts";
import { userAgent, type TenantCall } from "./port.ts";

/** The header that carries the token, in both directions. facts §3 */
export const csrfHeader = "qlik-csrf-token";

/** Where the tenant gives a token. facts §3 */
export const csrfPath = "/api/v1/csrf-token";

/** The code, at the top level of a 403's body, that says the token was not taken. facts §3 */
const mismatch = "CSRF-TOKEN-2";

/** The largest 403 that is looked into for the code, in bytes. rules R5 */
export const largestCsrfRefusal: number = 8 * 1024;

/** What the tenant said when asked for a token. */
export type CsrfAnswer = { readonly token: string } | "none" | "auth-loss";

/** Asks the tenant for a CSRF token: `GET` of {@link csrfPath} answers 204 with the token in a header. facts §3 */
export async function fetchCsrfToken(
  call: TenantCall,
  cookie: string,
  site: { readonly tenantOrigin: string; readonly timeout: number },
): Promise<CsrfAnswer> {
  const answer = await call({
    method: "GET",
    path: csrfPath,
    headers: ["cookie", cookie, "accept", "*/*", "user-agent", userAgent],
    timeout: site.timeout,
  });
  if (isAuthLoss(answer, site.tenantOrigin)) return "auth-loss";
  const token = firstHeader(answer.headers, csrfHeader);
  return token !== undefined && token !== "" && isHeaderValue(token) ? { token: ownText(token) } : "none";
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
