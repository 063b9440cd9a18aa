/** The cookie without which an answer to the login is no login. facts §2.2 */
export const sessionCookie = "eas.sid";

/** The cookie that holds a CSRF token minted at login. facts §2.2 */
export const csrfCookie = "_csrfToken";

/** Tells the cookies that make up a tenant session from those of load balancers and others. facts §2.2 */
export function belongsToSession(name: string): boolean {
  return name.startsWith("eas.") || name.startsWith(csrfCookie);
}
