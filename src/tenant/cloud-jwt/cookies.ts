import type { CookieRole } from "../backend.ts";

/** The cookie without which an answer to the login is no login. facts §2.2 */
export const sessionCookie = "eas.sid";

/** The cookie that holds a CSRF token minted at login. facts §2.2 */
export const csrfCookie = "_csrfToken";

/** Whether a cookie is one of those that make up a session of Qlik Cloud. facts §2.2 */
export const isOfCloudSession = (name: string): boolean =>
  name.startsWith("eas.") || name.startsWith(csrfCookie);

/** Tells the cookies that make up a tenant session from those of load balancers and others. */
export function cookieRole(name: string): CookieRole {
  if (name === sessionCookie) return "session-id";
  return isOfCloudSession(name) ? "session" : "other";
}
