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
export const loginPathOf = (kind: TenantEmulatorKind): string =>
  ({
    "qlik-cloud-jwt": "/login/jwt-session",
    "qlik-cloud-oauth": "/oauth/token",
    "qlik-sense-jwt": "/qps/csrftoken",
  })[kind];

/** The logins that a tenant has seen; at Qlik Sense the same path is asked for other things, without a token. */
export function loginsAt(tenant: TenantEmulator, kind: TenantEmulatorKind): readonly Recording[] {
  const seen = tenant.recordings({ path: loginPathOf(kind) });
  return kind === "qlik-sense-jwt"
    ? seen.filter((each) => valueOf(each, "authorization") !== undefined)
    : seen;
}

/** The value of a header as the tenant got it. */
export const valueOf = ({ headers }: Recording, wanted: string): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
