import { csrfAnswer, statusAnswer, unauthorizedAnswer } from "../answer.ts";
import { loginRoutes } from "../login.ts";
import type { TenantModes } from "../modes.ts";
import type { SessionStore } from "../sessions.ts";
import { bearerOf, headerOf, safeMethods, type Access } from "./access.ts";

/** Qlik Cloud with cookies that a signed token was exchanged for (facts §2, §3). */
export function createCloudJwtAccess({
  sessions,
  modes,
}: {
  readonly sessions: SessionStore;
  readonly modes: TenantModes;
}): Access {
  return {
    kind: "qlik-cloud-jwt",
    routes: loginRoutes,
    deploymentType: "QlikCloudServices",
    base: "",
    locate: (path) => path,
    find: (request) => ({ session: sessions.find(request.headers.cookie) }),
    newCookies: (session) => sessions.takeRotatedCookies(session),
    refuse({ request, path, session }) {
      // A Bearer beside the cookie switches the way of authentication (facts §4), and no token is good here.
      if (bearerOf(request) !== undefined)
        return path === "/api/v1/csrf-token"
          ? statusAnswer(400, "Bad request", "Authentication is not cookie based")
          : unauthorizedAnswer();
      const token = headerOf(request, "qlik-csrf-token");
      const isGuarded = !safeMethods.has(request.method ?? "");
      return isGuarded && !session.csrf.verify(token) ? csrfAnswer() : undefined;
    },
    refuseUpgrade({ request, query, session }) {
      if (session === undefined) return unauthorizedAnswer();
      if (!modes.requireSocketCsrf) return undefined;
      const token = query.get("qlik-csrf-token") ?? headerOf(request, "qlik-csrf-token");
      return session.csrf.verify(token) ? undefined : csrfAnswer();
    },
  };
}
