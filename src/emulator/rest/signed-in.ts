import { emptyAnswer, jsonAnswer, statusAnswer, type Answer } from "../answer.ts";
import type { SignedInExchange } from "../exchange.ts";
import { rest, type Route } from "../router.ts";
import type { Tenant } from "../local-tenant.ts";
import type { TenantUser } from "../users.ts";

/** Makes the user object: facts §2.5. */
export function userBody(tenant: Tenant, user: TenantUser): Readonly<Record<string, unknown>> {
  return {
    id: user.id,
    tenantId: tenant.id,
    subject: user.subject,
    name: user.name,
    ...(user.email === undefined ? {} : { email: user.email }),
    status: user.status,
    assignedRoles: [],
    assignedGroups: user.groups.map((name) => ({ name, providerType: "idp" })),
    locale: "en-US",
    preferredLocale: "en",
    zoneinfo: "Etc/UTC",
    createdAt: new Date(user.createdAt).toISOString(),
    lastUpdatedAt: new Date(user.lastUpdatedAt).toISOString(),
    links: { self: { href: `${tenant.address}/api/v1/users/${user.id}` } },
  };
}

function tenantBody(tenant: Tenant): Readonly<Record<string, unknown>> {
  return {
    id: tenant.id,
    name: tenant.name,
    hostnames: [tenant.hostname],
    region: "local",
    datacenter: "local",
    status: "active",
    created: new Date(tenant.startedAt).toISOString(),
    lastUpdated: new Date(tenant.startedAt).toISOString(),
    links: { self: { href: `${tenant.address}/api/v1/tenants/${tenant.id}` } },
  };
}

/** A licence touch: without automatic assignment a first use fails (facts §2.5). */
function allotments({ tenant }: SignedInExchange): Answer {
  if (!tenant.modes.autoAssignLicense) return jsonAnswer(403, noLicense);
  const units = tenant.users.list().length;
  return jsonAnswer(200, {
    data: [{ name: "professional", allotted: 100, units: 100, unitsUsed: units, overage: 0, usageClass: "" }],
  });
}

const noLicense = {
  errors: [{ code: "LICENSES-011", title: "User has no access assigned", status: "403" }],
};

const answers: Readonly<Record<string, (exchange: SignedInExchange) => Answer>> = {
  "users/me": ({ tenant, session }) => jsonAnswer(200, userBody(tenant, session.user)),
  "tenants/me": ({ tenant }) => jsonAnswer(200, tenantBody(tenant)),
  "claims/me": ({ tenant, session }) =>
    jsonAnswer(200, {
      sub: session.subject,
      subType: "user",
      name: session.user.name,
      userId: session.user.id,
      tenantId: tenant.id,
      groups: session.user.groups,
    }),
  // A client that resumes asks this and wants 200 with JSON (real clients: probe before a resume).
  "user-locale": () => jsonAnswer(200, { locale: "en-US", preferredLocale: "en" }),
  "user-settings": () => jsonAnswer(200, { preferredLocale: "en", preferredZoneinfo: "Etc/UTC" }),
  "ui-config": () => jsonAnswer(200, {}),
  features: () => jsonAnswer(200, { LOCAL_TENANT: true }),
  "tenant-settings": ({ tenant }) => jsonAnswer(200, { tenantId: tenant.id }),
  "brands/active": ({ tenant }) =>
    jsonAnswer(200, { id: "local", name: tenant.name, active: true, files: [] }),
  "licenses/status": () =>
    jsonAnswer(200, { status: "Ok", type: "Signed", product: "local", origin: "Internal", trial: false }),
  "licenses/number": () => jsonAnswer(200, { number: "0000000000000000" }),
  "licenses/allotments": allotments,
  "licenses/allotments/me": ({ tenant, session }) =>
    tenant.modes.autoAssignLicense
      ? jsonAnswer(200, { type: "professional", subject: session.subject })
      : jsonAnswer(403, noLicense),
};

/** What the boot call batches: facts §6.1. */
const bootPaths = [
  "brands/active",
  "claims/me",
  "licenses/allotments",
  "licenses/allotments/me",
  "licenses/number",
  "licenses/status",
  "tenant-settings",
  "tenants/me",
  "user-settings",
  "users/me",
  "user-locale",
] as const;

function boot(exchange: SignedInExchange): Answer {
  if (!exchange.tenant.modes.bootEndpoint) return statusAnswer(404, "Not found");
  return jsonAnswer(
    200,
    bootPaths.map((path) => {
      const answer = answers[path]?.(exchange);
      const data: unknown = typeof answer?.body === "string" ? JSON.parse(answer.body) : undefined;
      return { path: `/api/v1/${path}`, status: answer?.status, method: "GET", data };
    }),
  );
}

/** A new token in a header, 204: facts §3. */
function csrfToken({ session }: SignedInExchange): Answer {
  return emptyAnswer(204, [
    ["qlik-csrf-token", session.csrf.mint()],
    ["Cache-Control", "no-store"],
  ]);
}

/** What a client asks about the signed-in user and the tenant: facts §6.1, §13. */
export const signedInRoutes: readonly Route[] = [
  rest("GET /api/v1/csrf-token", csrfToken),
  rest("GET /api/v1/boot/core-init", boot),
  ...Object.entries(answers).map(([path, answer]) => rest(`GET /api/v1/${path}`, answer)),
  rest("POST /api/v1/licenses/allotments", allotments),
];
