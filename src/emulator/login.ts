import { errorAnswer, jsonAnswer, statusAnswer, type Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { judgeOrigin } from "./origin-rules.ts";
import { open, type Route } from "./router.ts";
import { TokenRefused } from "./signed-token.ts";
import type { Person } from "./users.ts";

/** The body of every token failure; its inner status stays 400, whatever the HTTP status is (facts §1.4). */
function refusedToken(exchange: Exchange, reason: string): Answer {
  return errorAnswer(exchange.tenant.modes.badTokenStatus, {
    code: "INTERNAL-TOKEN-1",
    title: "Invalid token request",
    detail: `JWT_LOGIN_VALIDATIONS ${reason}`,
    status: "400",
  });
}

function hostnameOf(exchange: Exchange): string {
  return (exchange.request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
}

function bearerToken(exchange: Exchange): string | undefined {
  return /^Bearer (\S+)$/i.exec(exchange.request.headers.authorization ?? "")?.[1];
}

function logIn(exchange: Exchange, person: Person): Answer {
  const { tenant } = exchange;
  if (tenant.users.find(person.subject)?.status === "disabled")
    return errorAnswer(403, { code: "AUTH-5", title: "User is not a member of the tenant", status: "403" });
  const groups = tenant.modes.takeOverGroups ? person.groups : [];
  const { cookies } = tenant.sessions.start(tenant.users.signIn({ ...person, groups }));
  return jsonAnswer(200, {}, cookies);
}

/** Exchanges a signed token for a session: facts §2.1. */
function jwtSession(exchange: Exchange): Answer {
  const { tenant, request, query } = exchange;
  // The mode for foreign origins does not soften the login: facts §4.
  if (judgeOrigin(tenant, request, query).kind === "foreign")
    return statusAnswer(403, "Forbidden", "Origin has not been granted access");
  if (hostnameOf(exchange) !== tenant.hostname || tenant.identityProviders.list().length === 0)
    return errorAnswer(401, {
      code: "LOGIN-2",
      title: "No authentication configured for this hostname",
      status: "401",
    });
  const token = bearerToken(exchange);
  if (token === undefined) return refusedToken(exchange, "unable to decode jwt");
  try {
    return logIn(exchange, tenant.identityProviders.accept(token));
  } catch (error) {
    if (error instanceof TokenRefused) return refusedToken(exchange, error.message);
    throw error;
  }
}

/** The login by signed token. */
export const loginRoutes: readonly Route[] = [open("POST /login/jwt-session", jwtSession)];
