import type {
  Recording,
  TenantEmulator,
  TenantEmulatorKind,
  TenantEmulatorOptions,
} from "../../src/emulator.ts";

/** The kind of tenant, where the test says nothing else; for whole suites at once. */
export const tenantKind = (process.env["QSP_TEST_TENANT_KIND"] ?? "qlik-cloud-jwt") as TenantEmulatorKind;

/** The OAuth client that the tenant knows; the secret is looked for where it must not be. */
export const testClient = { clientId: "test-client", clientSecret: "canary-client-secret" } as const;

/** The directory of a Qlik Sense server that the test's users are in. */
export const testDirectory = "PORTAL";

/** A tenant of a kind, and the options of a proxy for it. */
export interface KindOfStack {
  readonly tenant: TenantEmulatorOptions;
  proxy(origin: string): Record<string, unknown> & { readonly origin: string };
}

/** How the tenant of a kind is made, and what a proxy is told of it. */
export function stackOf(kind: TenantEmulatorKind, signingKeys: readonly object[]): KindOfStack {
  switch (kind) {
    case "qlik-cloud-jwt":
      return { tenant: {}, proxy: (origin) => ({ origin, signingKeys }) };
    case "qlik-cloud-oauth":
      return {
        tenant: { kind, oauthClients: [testClient], modes: { createUsersOnImpersonation: true } },
        proxy: (origin) => ({ origin, kind, ...testClient }),
      };
    case "qlik-sense-jwt":
      return {
        tenant: { kind },
        proxy: (origin) => ({ origin, kind, userDirectory: testDirectory, signingKeys }),
      };
  }
}

/** What a subject of the host is called at a tenant of this kind. */
export const subjectAt = (kind: TenantEmulatorKind, subject: string): string =>
  kind === "qlik-sense-jwt" ? `${testDirectory}\\${subject}` : subject;

/** Every kind of tenant that there is. */
export const everyKind = ["qlik-cloud-jwt", "qlik-cloud-oauth", "qlik-sense-jwt"] as const;

/** Where users of a kind are signed in. */
export const loginPathOf = (kind: TenantEmulatorKind = tenantKind): string =>
  ({
    "qlik-cloud-jwt": "/login/jwt-session",
    "qlik-cloud-oauth": "/oauth/token",
    "qlik-sense-jwt": "/qps/csrftoken",
  })[kind];

/** The logins that a tenant has seen; at Qlik Sense the same path is asked for other things, without a token. */
export function loginsAt(
  tenant: Pick<TenantEmulator, "recordings">,
  kind: TenantEmulatorKind = tenantKind,
): readonly Recording[] {
  const seen = tenant.recordings({ path: loginPathOf(kind) });
  return kind === "qlik-sense-jwt"
    ? seen.filter((each) => valueOf(each, "authorization") !== undefined)
    : seen;
}

/** How often a tenant was asked whether a session is alive. rules R5 */
export function probesAt(tenant: Pick<TenantEmulator, "recordings">): number {
  const ofPath = (path: string): number => tenant.recordings({ path }).length;
  return tenantKind === "qlik-sense-jwt"
    ? ofPath(loginPathOf()) - loginsAt(tenant).length
    : ofPath("/api/v1/users/me");
}

/** The cookie that is the session, at the kinds that have one. facts §2.2, §10.1 */
export const sessionCookie: string = tenantKind === "qlik-sense-jwt" ? "X-Qlik-Session-jwt" : "eas.sid";

/** Age at which the tenant that is looked at ends what a login gave. Milliseconds; facts §2.3, §9 */
export const lifetimeAtTenant: number = (tenantKind === "qlik-cloud-oauth" ? 6 : 24) * 3_600_000;

/** What stands before every path at the tenant that is looked at. facts §10.1 */
export const baseAtTenant: string = tenantKind === "qlik-sense-jwt" ? "/jwt" : "";

/** Parameters that the proxy adds to an upgrade, sorted. facts §3, §10.1 */
export const socketParameters: readonly string[] = {
  "qlik-cloud-jwt": ["qlik-csrf-token"],
  "qlik-cloud-oauth": [],
  "qlik-sense-jwt": ["qlik-csrf-token", "xrfkey"],
}[tenantKind];

/** What a tenant does not know us by: neither our key nor our client. */
export const stranger = { identityProviders: [], oauthClients: [] } as const;

/** The credential that a request showed at the tenant; "" where it showed none. */
export const credentialIn = (request: Recording): string =>
  (tenantKind === "qlik-cloud-oauth"
    ? /^Bearer (.+)$/.exec(valueOf(request, "authorization") ?? "")
    : /(?:^|; )(?:eas\.sid|X-Qlik-Session-jwt)=([^;]+)/.exec(valueOf(request, "cookie") ?? ""))?.[1] ?? "";

/** What a subject of the host is called at the tenant that is looked at. */
export const nameAtTenant = (subject: string): string => subjectAt(tenantKind, subject);

/** The value of a header as the tenant got it. */
export const valueOf = ({ headers }: Recording, wanted: string): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
