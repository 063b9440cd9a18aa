import { isLoginRedirect } from "../http/location.ts";
import { firstHeader } from "../http/raw-headers.ts";
import type { TenantAnswer } from "./port.ts";

/** Tells whether an answer of Qlik Cloud means that the session is gone: 401, or a redirect to a login. rules R5 */
export function isCloudAuthLoss(
  answer: Pick<TenantAnswer, "status" | "headers">,
  tenantOrigin: string,
): boolean {
  if (answer.status === 401) return true;
  if (answer.status < 300 || answer.status > 399) return false;
  const location = firstHeader(answer.headers, "location");
  return location !== undefined && isLoginRedirect(location, tenantOrigin);
}
