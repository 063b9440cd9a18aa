import { isAuthLoss } from "./auth-loss.ts";
import { userAgent, type TenantAnswer, type TenantCall } from "./port.ts";

/** Where a probe goes and how long it may take. */
export interface ProbeSite {
  readonly tenantOrigin: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Asks the tenant whether a session is alive; also counts as its use (facts §2.3). rules R5 */
export async function probe(
  call: TenantCall,
  cookie: string,
  site: ProbeSite,
): Promise<{ readonly alive: boolean; readonly answer: TenantAnswer }> {
  const answer = await call({
    method: "GET",
    path: "/api/v1/users/me",
    headers: ["cookie", cookie, "accept", "application/json", "user-agent", userAgent],
    timeout: site.timeout,
  });
  return { alive: !isAuthLoss(answer, site.tenantOrigin), answer };
}

/** Ends a session at the tenant as a browser would: `GET /logout` with its cookies. facts §2.4 */
export async function logoutAtTenant(call: TenantCall, cookie: string, timeout: number): Promise<void> {
  await call({
    method: "GET",
    path: "/logout",
    headers: ["cookie", cookie, "accept", "*/*", "user-agent", userAgent],
    timeout,
  });
}
