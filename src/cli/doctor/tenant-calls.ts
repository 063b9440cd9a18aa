import { csrfHeader } from "../../tenant/csrf.ts";
import { type TenantAnswer, type TenantCall, userAgent } from "../../tenant/port.ts";
import { ownRequest } from "../../tenant/own-request.ts";
import type { Visit } from "./visit.ts";

/** The lane of the doctor's own requests. */
export const lane = "doctor";

/** The way to the tenant that `serve` takes, and the last answer that came on it. */
export function listeningCall(visit: Visit): { readonly call: TenantCall; last(): TenantAnswer | undefined } {
  const send = visit.get("upstream").callFor(lane);
  let last: TenantAnswer | undefined;
  return {
    async call(request) {
      last = undefined;
      last = await send(request);
      return last;
    },
    last: () => last,
  };
}

/** A request without a session. */
export const askOpenly = (visit: Visit, path: string): Promise<TenantAnswer> =>
  listeningCall(visit).call({
    method: "GET",
    path,
    headers: ["accept", "application/json", "user-agent", userAgent],
    timeout: visit.get("options").timeouts.login,
  });

/** A request of the session that this visit began. */
export function askSignedIn(
  visit: Visit,
  path: string,
  { method = "GET", csrfToken }: { readonly method?: "GET" | "POST"; readonly csrfToken?: string } = {},
): Promise<TenantAnswer> {
  const session = visit.get("session");
  const request = { method, path, accept: "application/json" };
  const asked = ownRequest(session.backend, session, { request, now: Date.now() });
  return listeningCall(visit).call({
    ...asked,
    headers: [...asked.headers, ...(csrfToken === undefined ? [] : [csrfHeader, csrfToken])],
    timeout: visit.get("options").timeouts.login,
  });
}

/** The object that a body holds; an empty one where it holds none. */
export function objectOf({ body }: Pick<TenantAnswer, "body">): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The code of the first error in a body, if it is one: facts §7. */
export function errorCodeOf(answer: Pick<TenantAnswer, "body">): string {
  const { errors } = objectOf(answer);
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const code = typeof first === "object" && first !== null ? (first as { code?: unknown }).code : undefined;
  return typeof code === "string" && /^[A-Za-z0-9-]{1,40}$/.test(code) ? code : "";
}

/** Status and code, for the operator. */
export const shownAnswer = (answer: TenantAnswer): string =>
  `${answer.status} ${errorCodeOf(answer)}`.trimEnd();
