import { emptyAnswer, errorAnswer, jsonAnswer, statusAnswer, type Answer } from "../answer.ts";
import { cspDirectives, type CspOrigin } from "../csp-origins.ts";
import { readBody, readJsonObject, type SignedInExchange } from "../exchange.ts";
import type { IdentityProvider } from "../identity-provider.ts";
import { randomHex } from "../random-values.ts";
import { administration, rest, type Route } from "../router.ts";
import type { Tenant } from "../local-tenant.ts";
import { pageOf } from "./paging.ts";
import { userBody } from "./signed-in.ts";

const MINUTE = 60_000;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An id that follows from issuer and key id, so that no second one has to be kept. */
function providerId({ issuer, keyId }: IdentityProvider): string {
  return Buffer.from(JSON.stringify([issuer, keyId])).toString("base64url");
}

function providerBody(tenant: Tenant, provider: IdentityProvider): Readonly<Record<string, unknown>> {
  const { issuer, keyId, pem, clockToleranceSec } = provider;
  return {
    id: providerId(provider),
    protocol: "jwtAuth",
    provider: "external",
    interactive: false,
    active: true,
    tenantIds: [tenant.id],
    options: { issuer, staticKeys: [{ kid: keyId, pem }], jwtLoginEnabled: true },
    ...(clockToleranceSec === undefined ? {} : { clockToleranceSec }),
  };
}

/** Takes a provider of the shape that is documented: one static key (facts §1.1). */
function readProvider(body: Readonly<Record<string, unknown>> | undefined): IdentityProvider | undefined {
  const options = body?.["options"];
  if (body?.["protocol"] !== "jwtAuth" || body["provider"] !== "external" || !isRecord(options))
    return undefined;
  const keys = options["staticKeys"];
  const key: unknown = Array.isArray(keys) && keys.length === 1 ? keys[0] : undefined;
  const { issuer } = options;
  if (typeof issuer !== "string" || !isRecord(key)) return undefined;
  const { kid, pem } = key;
  if (typeof kid !== "string" || typeof pem !== "string") return undefined;
  const tolerance = body["clockToleranceSec"];
  return {
    issuer,
    keyId: kid,
    pem,
    ...(typeof tolerance === "number" ? { clockToleranceSec: tolerance } : {}),
  };
}

async function createProvider(exchange: SignedInExchange): Promise<Answer> {
  const provider = readProvider(await readJsonObject(exchange));
  if (provider === undefined) return statusAnswer(400, "Bad request");
  exchange.tenant.identityProviders.add(provider);
  return jsonAnswer(201, providerBody(exchange.tenant, provider));
}

function removeProvider({ tenant, params }: SignedInExchange): Answer {
  const provider = tenant.identityProviders.list().find((each) => providerId(each) === params["id"]);
  if (provider === undefined) return statusAnswer(404, "Not found");
  tenant.identityProviders.remove(provider.issuer, provider.keyId);
  return emptyAnswer(204);
}

async function createIntegration(exchange: SignedInExchange): Promise<Answer> {
  const body = await readJsonObject(exchange);
  const origins = body?.["validOrigins"];
  const name = body?.["name"];
  const isOrigin = (each: unknown): boolean =>
    typeof each === "string" && !each.includes("*") && URL.canParse(each) && new URL(each).origin === each;
  if (typeof name !== "string" || !Array.isArray(origins) || !origins.every(isOrigin))
    return statusAnswer(400, "Bad request");
  const integration = { id: randomHex(32), name, validOrigins: origins.map(String) };
  exchange.tenant.webIntegrations.add(integration);
  return jsonAnswer(201, integration);
}

/** Error of the API of web integrations: facts §4. */
function noIntegration(): Answer {
  return errorAnswer(404, { code: "TENANTS-8", title: "Not found" });
}

function cspBody({ id, origin, directives }: CspOrigin): Readonly<Record<string, unknown>> {
  return {
    id,
    origin,
    ...Object.fromEntries(cspDirectives.map((flag) => [flag, directives.includes(flag)])),
  };
}

async function createCspOrigin(exchange: SignedInExchange): Promise<Answer> {
  const body = await readJsonObject(exchange);
  const origin = body?.["origin"];
  if (body === undefined || typeof origin !== "string" || !/^[^\s;,']+$/.test(origin))
    return statusAnswer(400, "Bad request");
  const directives = cspDirectives.filter((flag) => body[flag] === true);
  return jsonAnswer(201, cspBody(exchange.tenant.cspOrigins.add(origin, directives)));
}

function authSettings({ tenant }: SignedInExchange): Answer {
  return jsonAnswer(200, {
    userSessionInactivityTimeoutMinutes: tenant.sessions.limits.idle / MINUTE,
    maxUserSessionLifespanMinutes: tenant.sessions.limits.lifetime / MINUTE,
  });
}

/** What may be set, and in which range: facts §2.3. */
const settings = {
  "/userSessionInactivityTimeoutMinutes": { limit: "idle", min: 15, max: 1440, step: 1 },
  "/maxUserSessionLifespanMinutes": { limit: "lifetime", min: 60, max: 168 * 60, step: 60 },
} as const;

function isSetting(path: unknown): path is keyof typeof settings {
  return typeof path === "string" && path in settings;
}

/** Changes the limits by JSON Patch `replace`; only later sessions feel it (facts §2.3). */
async function changeAuthSettings(exchange: SignedInExchange): Promise<Answer> {
  let patch: unknown;
  try {
    patch = JSON.parse((await readBody(exchange)).toString("utf8"));
  } catch {
    return statusAnswer(400, "Bad request");
  }
  const changes: { readonly limit: "idle" | "lifetime"; readonly value: number }[] = [];
  for (const step of Array.isArray(patch) ? (patch as unknown[]) : []) {
    if (!isRecord(step) || step["op"] !== "replace" || !isSetting(step["path"]))
      return statusAnswer(400, "Bad request");
    const rule = settings[step["path"]];
    const value = step["value"];
    if (typeof value !== "number" || value < rule.min || value > rule.max || value % rule.step !== 0)
      return statusAnswer(400, "Bad request");
    changes.push({ limit: rule.limit, value });
  }
  if (changes.length === 0) return statusAnswer(400, "Bad request");
  for (const { limit, value } of changes) exchange.tenant.sessions.limits[limit] = value * MINUTE;
  return emptyAnswer(204);
}

async function createUser(exchange: SignedInExchange): Promise<Answer> {
  const { tenant } = exchange;
  const body = await readJsonObject(exchange);
  const subject = body?.["subject"];
  if (typeof subject !== "string" || subject === "") return statusAnswer(400, "Bad request");
  if (tenant.users.find(subject) !== undefined) return statusAnswer(409, "Conflict");
  const name = body?.["name"];
  const user = tenant.users.signIn({ subject, name: typeof name === "string" ? name : subject, groups: [] });
  return jsonAnswer(201, userBody(tenant, user));
}

/** Lists that have nothing in them here, but would be read if they were reached. */
const emptyLists = [
  "/api/v1/api-keys",
  "/api/v1/oauth-clients",
  "/api/v1/oauth-tokens",
  "/api/v1/spaces",
  "/api/core/ip-policies",
] as const;

/** What a portal's users should never reach through a proxy: facts §6.2. */
export const administrationRoutes: readonly Route[] = [
  administration("GET /api/v1/identity-providers", (exchange) =>
    jsonAnswer(
      200,
      pageOf(
        exchange,
        exchange.tenant.identityProviders.list().map((each) => providerBody(exchange.tenant, each)),
      ),
    ),
  ),
  administration("POST /api/v1/identity-providers", createProvider),
  administration("DELETE /api/v1/identity-providers/:id", removeProvider),
  administration("GET /api/v1/web-integrations", (exchange) =>
    jsonAnswer(200, pageOf(exchange, exchange.tenant.webIntegrations.list())),
  ),
  administration("POST /api/v1/web-integrations", createIntegration),
  administration("DELETE /api/v1/web-integrations/:id", ({ tenant, params }) =>
    tenant.webIntegrations.remove(params["id"] ?? "") ? emptyAnswer(204) : noIntegration(),
  ),
  administration("GET /api/v1/csp-origins", (exchange) =>
    jsonAnswer(200, pageOf(exchange, exchange.tenant.cspOrigins.list().map(cspBody))),
  ),
  administration("POST /api/v1/csp-origins", createCspOrigin),
  administration("GET /api/v1/csp-origins/actions/generate-header", ({ tenant }) =>
    jsonAnswer(200, { "Content-Security-Policy": tenant.cspOrigins.header(tenant.address) }),
  ),
  administration("DELETE /api/v1/csp-origins/:id", ({ tenant, params }) =>
    tenant.cspOrigins.remove(params["id"] ?? "") ? emptyAnswer(204) : statusAnswer(404, "Not found"),
  ),
  administration("GET /api/core/auth-settings", authSettings),
  administration("PATCH /api/core/auth-settings", changeAuthSettings),
  administration("GET /api/v1/users", (exchange) =>
    jsonAnswer(
      200,
      pageOf(
        exchange,
        exchange.tenant.users.list().map((user) => userBody(exchange.tenant, user)),
      ),
    ),
  ),
  administration("POST /api/v1/users", createUser),
  // A POST that only reads, with a rate limit of its own: facts §7.
  rest(
    "POST /api/v1/users/actions/filter",
    (exchange) => {
      const { tenant } = exchange;
      const users = tenant.users.list().map((user) => userBody(tenant, user));
      return jsonAnswer(200, pageOf(exchange, users));
    },
    200,
  ),
  ...emptyLists.map((path) =>
    administration(`GET ${path}`, (exchange) => jsonAnswer(200, pageOf(exchange, []))),
  ),
];
