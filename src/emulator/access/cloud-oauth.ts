import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { emptyAnswer, jsonAnswer, statusAnswer, unauthorizedAnswer, type Answer } from "../answer.ts";
import { parseCookies } from "../cookies.ts";
import { readJsonObject, type Exchange } from "../exchange.ts";
import type { TenantModes } from "../modes.ts";
import { randomUrlSafe } from "../random-values.ts";
import { open } from "../router.ts";
import type { SessionStore, UserSession } from "../sessions.ts";
import type { TenantUser, UserDirectory } from "../users.ts";
import { bearerOf, headerOf, type Access } from "./access.ts";

/** An OAuth client of the tenant that may get tokens in the name of its users (facts §9). */
export interface OauthClient {
  readonly clientId: string;
  readonly clientSecret: string;
  /** What its tokens can be good for; `user_default` by default. */
  readonly scopes?: readonly string[];
  /** Whether it may impersonate: machine-to-machine impersonation, consent Trusted; true by default. */
  readonly mayImpersonate?: boolean;
}

/** What this kind works with. */
export interface CloudOauthParts {
  readonly sessions: SessionStore;
  readonly modes: TenantModes;
  readonly users: UserDirectory;
  readonly clients: readonly OauthClient[];
}

const impersonation = "urn:qlik:oauth:user-impersonation";

/** An OAuth error; which body the vendor sends is in no source, so it is that of RFC 6749 §5.2 (facts §9). */
const oauthError = (status: number, error: string): Answer => jsonAnswer(status, { error });

/** Qlik Cloud with tokens in place of cookies (facts §9). */
export function createCloudOauthAccess(parts: CloudOauthParts): Access {
  const { sessions } = parts;
  const byToken = new Map<string, string>();
  return {
    kind: "qlik-cloud-oauth",
    routes: [
      open("POST /oauth/token", (exchange) => giveToken(exchange, parts, byToken)),
      open("POST /oauth/revoke", (exchange) => revoke(exchange, parts, byToken)),
    ],
    deploymentType: "QlikCloudServices",
    base: "",
    locate: (path) => path,
    find(request) {
      const token = bearerOf(request);
      if (token === undefined) return {};
      // A strict witness: who sends a token and a session's cookie beside it leaves open which of them counts (facts §4).
      if (holdsSessionCookie(request))
        return { refused: statusAnswer(401, "Unauthorized", "Two credentials") };
      const id = byToken.get(token);
      return { session: id === undefined ? undefined : sessions.findById(id) };
    },
    newCookies: () => [],
    refuse({ request, path }) {
      if (path === "/api/v1/csrf-token")
        return statusAnswer(400, "Bad request", "Authentication is not cookie based");
      // No token belongs to this way of authentication (facts §9): one that comes was got in another.
      return headerOf(request, "qlik-csrf-token") === undefined
        ? undefined
        : statusAnswer(400, "Bad request");
    },
    refuseUpgrade({ query, session }) {
      if (session === undefined) return unauthorizedAnswer();
      // A server sends the token as a header; the query is for short ones that browsers exchange it for (facts §9).
      const isOdd = query.has("accessToken") || query.has("qlik-csrf-token");
      return isOdd ? statusAnswer(400, "Bad request") : undefined;
    },
  };
}

/** Load balancers set theirs on every answer, whatever the way of authentication (facts §2.2). */
const holdsSessionCookie = (request: IncomingMessage): boolean =>
  [...parseCookies(request.headers.cookie).keys()].some((name) => !name.startsWith("AWSALB"));

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function clientOf(
  body: Readonly<Record<string, unknown>>,
  clients: readonly OauthClient[],
): OauthClient | undefined {
  const { client_id: id, client_secret: secret } = body;
  return clients.find(
    ({ clientId, clientSecret }) =>
      clientId === id && typeof secret === "string" && timingSafeEqual(digest(secret), digest(clientSecret)),
  );
}

function lookUp(value: unknown, { users, modes }: CloudOauthParts): TenantUser | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { field, value: name } = value as { readonly field?: unknown; readonly value?: unknown };
  if (typeof name !== "string") return undefined;
  if (field === "userId") return users.list().find(({ id }) => id === name);
  if (field !== "subject") return undefined;
  const known = users.find(name);
  return (
    known ??
    (modes.createUsersOnImpersonation ? users.signIn({ subject: name, name, groups: [] }) : undefined)
  );
}

/** `POST /oauth/token`, JSON in and out (facts §9). */
async function giveToken(
  exchange: Exchange,
  parts: CloudOauthParts,
  byToken: Map<string, string>,
): Promise<Answer> {
  const body = (await readJsonObject(exchange)) ?? {};
  const client = clientOf(body, parts.clients);
  if (client === undefined) return oauthError(401, "invalid_client");
  if (body["grant_type"] !== impersonation) return oauthError(400, "unsupported_grant_type");
  if (client.mayImpersonate === false) return oauthError(400, "unauthorized_client");
  const scope = typeof body["scope"] === "string" ? body["scope"] : "";
  const { scopes = ["user_default"] } = client;
  if (scope === "" || scope.split(" ").some((each) => !scopes.includes(each)))
    return oauthError(400, "invalid_scope");
  const user = lookUp(body["user_lookup"], parts);
  // The user has to be there already (facts §9, §11 row 26).
  if (user === undefined || user.status === "disabled") return oauthError(400, "invalid_grant");
  const { session } = parts.sessions.start(user);
  const token = randomUrlSafe(120);
  byToken.set(token, session.id);
  const { lifetime } = parts.sessions.limits;
  return jsonAnswer(
    200,
    { access_token: token, token_type: "bearer", expires_in: Math.floor(lifetime / 1000), scope },
    [["Cache-Control", "no-store"]],
  );
}

/** `POST /oauth/revoke` (facts §9). @see RFC 7009 */
async function revoke(
  exchange: Exchange,
  { sessions, clients }: CloudOauthParts,
  byToken: Map<string, string>,
): Promise<Answer> {
  const body = (await readJsonObject(exchange)) ?? {};
  if (clientOf(body, clients) === undefined) return oauthError(401, "invalid_client");
  const token = String(body["token"]);
  const session: UserSession | undefined = sessions.findById(byToken.get(token) ?? "");
  byToken.delete(token);
  if (session !== undefined) sessions.end(session, "logout");
  return emptyAnswer(200);
}
