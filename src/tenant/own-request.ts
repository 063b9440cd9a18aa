import type { CookieJar } from "../http/cookie-jar.ts";
import { appendParameters } from "../http/target.ts";
import type { Backend, Credential } from "./backend.ts";
import { type OwnRequest, userAgent, type TenantRequest } from "./port.ts";

/** Of a tenant that wants nothing beside cookies. */
export const noHeaders: readonly string[] = Object.freeze([]);

/** Asks who the user is. rules R5 */
export const usersMe: OwnRequest = { method: "GET", path: "/api/v1/users/me", accept: "application/json" };

/** A request of the proxy's own for a session, with all that the tenant wants to see. */
export function ownRequest(
  backend: Backend,
  credential: Pick<Credential, "accessToken"> & { readonly jar: CookieJar },
  { request, now }: { readonly request: OwnRequest; readonly now: number },
): Omit<TenantRequest, "timeout"> {
  const { method, path, accept, body, standsAlone = false } = request;
  const cookie = standsAlone ? "" : credential.jar.header(path.split("?", 1)[0] ?? path, now);
  return {
    method,
    path: withParameters(backend, path),
    headers: [
      ...(cookie === "" ? [] : ["cookie", cookie]),
      ...(standsAlone ? [] : backend.headersOf(credential)),
      ...backend.headers,
      "accept",
      accept,
      "user-agent",
      userAgent,
      ...(body === undefined ? [] : ["content-type", "application/json"]),
    ],
    ...(body === undefined ? {} : { body }),
  };
}

/** Appends what every request carries in its query. */
export function withParameters({ parameters }: Pick<Backend, "parameters">, path: string): string {
  const query = path.indexOf("?");
  return query === -1
    ? path + appendParameters("", parameters)
    : path.slice(0, query) + appendParameters(path.slice(query), parameters);
}
