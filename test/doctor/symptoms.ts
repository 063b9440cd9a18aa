import { createHash } from "node:crypto";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { CauseName } from "../../src/cli/doctor/causes.ts";
import type { Questions } from "../../src/cli/doctor/visit.ts";
import { strangerPem, type World, type WorldOptions } from "./tenant-world.ts";

/** A symptom that is reproduced, and what the doctor must say of it. */
export interface Symptom {
  /** Row of facts §11, or the section that has it. */
  readonly row: string;
  readonly what: string;
  /** How the chain is broken. */
  readonly broken: string;
  readonly step: string;
  readonly cause: CauseName;
  readonly outcome?: "warned";
  readonly world?: WorldOptions;
  readonly questions?: Partial<Questions>;
  /** Breaks it, before the doctor comes. */
  readonly arrange?: (world: World) => void;
  /** What the finding or the remedy must name as well. */
  readonly names?: RegExp;
}

const loginPath = "/login/jwt-session";
const refusedLogin =
  (detail: string) =>
  ({ tenant }: World): void =>
    tenant.enqueue({
      path: loginPath,
      status: 401,
      body: { errors: [{ code: "INTERNAL-TOKEN-1", title: "Invalid token request", detail, status: "400" }] },
    });

const changed =
  (from: string | RegExp, to: string) =>
  (world: World): void => {
    world.config = world.config.replace(from, to);
  };

/** The first app of the local tenant, and the id of its item there. */
const firstApp = "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";
const itemId = createHash("sha256").update(`item ${firstApp}`).digest("hex").slice(0, 24);

const csrfRefusal = { code: "CSRF-TOKEN-2", errors: [{ code: "CSRF-TOKEN-2", status: "403" }] };
const ann = { person: { subject: "ann@acme.test" } };

/** Symptoms at the tenant and on the way to it, each with its cause. */
export const symptoms: readonly Symptom[] = [
  {
    row: "2",
    what: "401 INTERNAL-TOKEN-1, a claim is missing that each user has",
    broken: "a user without e-mail, at a tenant that wants one",
    step: "login",
    cause: "missing-user-claim",
    questions: { person: { subject: "ann" } },
    names: /Missing required claim: email/,
  },
  {
    row: "2",
    what: "401 INTERNAL-TOKEN-1, a claim is missing that every token has",
    broken: "the tenant says that nbf is missing",
    step: "login",
    cause: "missing-claim",
    arrange: refusedLogin("JWT_LOGIN_VALIDATIONS Missing required claim: nbf"),
    names: /claim: nbf/,
  },
  {
    row: "3",
    what: "401 at login: the tenant's clock is behind",
    broken: "the tenant's clock is set 5 minutes back",
    step: "clock",
    cause: "clock-skew",
    world: { tenant: { clock: { now: () => Date.now() - 300_000 } } },
    names: /30\d s behind|29\d s behind/,
  },
  {
    row: "3",
    what: "401 at login: the tenant's clock is ahead",
    broken: "the tenant's clock is set 10 minutes forward",
    step: "login",
    cause: "clock-skew",
    world: { tenant: { clock: { now: () => Date.now() + 600_000 } } },
    names: /\d s off/,
  },
  {
    row: "4",
    what: "401 for a token that was used before",
    broken: "the tenant says that it has seen the token's jti",
    step: "login",
    cause: "token-repeated",
    arrange: refusedLogin("JWT_LOGIN_VALIDATIONS jti already used"),
  },
  {
    row: "5",
    what: "key and certificate of the configuration do not belong together",
    broken: "certificateFile names another pair's public key",
    step: "key",
    cause: "wrong-key",
    arrange: changed("certificateFile: public.pem", "certificateFile: stranger.pem"),
    names: /does not belong to the private key/,
  },
  {
    row: "5",
    what: "401 at login: the tenant holds another certificate",
    broken: "the tenant's identity provider has another pair's public key",
    step: "login",
    cause: "other-certificate",
    world: {
      tenant: { identityProviders: [{ issuer: "acme-portal", keyId: "2026-01", pem: strangerPem }] },
    },
  },
  {
    row: "5",
    what: "“unable to decode jwt”: the certificate lost its line breaks",
    broken: "the tenant's identity provider has the PEM in one line",
    step: "login",
    cause: "other-certificate",
    world: {
      tenant: {
        identityProviders: [
          { issuer: "acme-portal", keyId: "2026-01", pem: strangerPem.replaceAll("\n", " ") },
        ],
      },
    },
  },
  {
    row: "6",
    what: "“Origin has not been granted access”",
    broken: "the tenant sees an Origin that something between has added",
    step: "login",
    cause: "origin-added",
    arrange: ({ tenant }) =>
      tenant.enqueue({
        path: loginPath,
        status: 403,
        body: { errors: [{ title: "Origin has not been granted access" }] },
      }),
  },
  {
    row: "7",
    what: "WebSockets answer 403, while requests pass",
    broken: "upgrades are answered 403",
    step: "engine",
    cause: "upgrade-refused",
    arrange: ({ tenant }) => tenant.fault({ method: "UPGRADE", kind: "status", status: 403 }),
  },
  {
    row: "7",
    what: "WebSockets answer 403 CSRF-TOKEN-2",
    broken: "upgrades are answered as if their token were missing",
    step: "engine",
    cause: "csrf-refused",
    arrange: ({ tenant }) => tenant.enqueue({ method: "UPGRADE", status: 403, body: csrfRefusal }),
  },
  {
    row: "9",
    what: "widgets hang: the engine's first message never comes",
    broken: "sockets open, and nothing comes on them",
    step: "engine",
    cause: "no-first-message",
    arrange: (world) => {
      changed("login: 15s", "login: 2s")(world);
      world.tenant.fault({ method: "UPGRADE", kind: "mute" });
    },
  },
  {
    row: "9",
    what: "widgets hang: product-info says Windows",
    broken: "product-info.json is that of a Windows server",
    step: "tenant",
    cause: "not-qlik-cloud",
    arrange: ({ tenant }) =>
      tenant.enqueue({
        path: "/resources/autogenerated/product-info.json",
        status: 200,
        body: { composition: { deploymentType: "QlikSenseServer" } },
      }),
  },
  {
    row: "9",
    what: "widgets hang: product-info is no JSON",
    broken: "another program answers at tenant.origin",
    step: "tenant",
    cause: "not-qlik-cloud",
    arrange: ({ tenant }) =>
      tenant.enqueue({ path: "/resources/autogenerated/product-info.json", status: 200, body: "<html>" }),
  },
  {
    row: "10",
    what: "403 CSRF-TOKEN-2 on POST",
    broken: "a POST is answered as if its token were another session's",
    step: "write",
    cause: "csrf-refused",
    arrange: ({ tenant }) =>
      tenant.enqueue({ path: "/api/v1/users/actions/filter", status: 403, body: csrfRefusal }),
  },
  {
    row: "11",
    what: "everything answers 401 after a while without use",
    broken: "the tenant's idle limit is 15 minutes, the configuration says 30",
    step: "limits",
    cause: "shorter-limits",
    world: { tenant: { sessionIdle: 15 * 60_000 } },
    names: /tenant\.sessionIdle: 15m/,
  },
  {
    row: "12",
    what: "401 in the middle of the work, long before 24 hours",
    broken: "the tenant's sessions live for 2 hours, the configuration says 24",
    step: "limits",
    cause: "shorter-limits",
    world: { tenant: { sessionLifetime: 120 * 60_000 } },
    names: /tenant\.sessionLifetime: 120m/,
  },
  {
    row: "13",
    what: "4204 QEP-104: an item's id in the place of the app's",
    broken: "the id of an item is asked for",
    step: "engine",
    cause: "item-id",
    questions: { app: itemId },
    names: new RegExp(`item of the app ${firstApp}`),
  },
  {
    row: "13",
    what: "4204 QEP-104: no such app",
    broken: "an id that no app has is asked for",
    step: "engine",
    cause: "app-not-found",
    questions: { app: "00000000-0000-0000-0000-000000000000" },
  },
  {
    row: "13",
    what: "4203: no access to the app",
    broken: "the engine closes with 4203, for a user who is not new",
    step: "engine",
    cause: "app-denied",
    arrange: ({ tenant }) => {
      tenant.users.setStatus("qlik-session-proxy-doctor@portal.localhost", "active");
      tenant.clock.advance(240_000);
      tenant.fault({ method: "UPGRADE", kind: "close", code: 4203 });
    },
    world: { tenant: { clock: { now: () => Date.now() - 240_000 } } },
  },
  {
    row: "14",
    what: "the engine closes right after the very first login",
    broken: "the tenant's access control lags behind",
    step: "engine",
    cause: "access-lag",
    world: { tenant: { modes: { propagationLag: 60_000 } } },
  },
  {
    row: "17",
    what: "the user's groups are absent",
    broken: "the tenant takes over no groups",
    step: "groups",
    cause: "groups-missing",
    world: { tenant: { modes: { takeOverGroups: false } } },
    questions: { person: { groups: ["Sales EMEA"] } },
    names: /Sales EMEA/,
  },
  {
    row: "19",
    what: "no access though the user exists",
    broken: "the tenant assigns no licence",
    step: "licence",
    cause: "no-licence",
    world: { tenant: { modes: { autoAssignLicense: false } } },
    names: /LICENSES-011/,
  },
  {
    row: "20",
    what: "429 at login",
    broken: "the tenant's limit on logins is reached",
    step: "login",
    cause: "login-throttled",
    arrange: ({ tenant }) => tenant.fault({ path: loginPath, kind: "throttle", retryAfter: 13 }),
    names: /13 s/,
  },
  {
    row: "21",
    what: "the login's cookies are in one line",
    broken: "something between joins Set-Cookie with commas",
    step: "login",
    cause: "damaged-cookies",
    arrange: ({ tenant }) =>
      tenant.enqueue({
        path: loginPath,
        status: 200,
        headers: [["Set-Cookie", "AWSALB=a; Path=/, eas.sid=b; Path=/, eas.sid.sig=c; Path=/"]],
        body: {},
      }),
  },
  {
    row: "21",
    what: "the login brings no cookie",
    broken: "something between takes Set-Cookie away",
    step: "login",
    cause: "no-session-cookie",
    arrange: ({ tenant }) => tenant.enqueue({ path: loginPath, status: 200, body: {} }),
  },
  {
    row: "22",
    what: "the next page of a list goes to the tenant",
    broken: "the tenant's links name another host than tenant.origin",
    step: "links",
    cause: "foreign-links",
    arrange: ({ tenant }) =>
      tenant.enqueue({
        path: "/api/v1/items",
        status: 200,
        body: { data: [], links: { self: { href: "https://acme.eu.qlikcloud.com/api/v1/items" } } },
      }),
    names: /acme\.eu\.qlikcloud\.com/,
  },
  {
    row: "28",
    what: "one user sees another's data: a shared cache",
    broken: "a cache answers in the tenant's place",
    step: "rest",
    cause: "shared-cache",
    arrange: ({ tenant }) =>
      tenant.enqueue({ path: "/api/v1/users/me", status: 200, headers: [["Age", "30"]], body: {} }),
  },
  {
    row: "28",
    what: "one user sees another's data: shared answers",
    broken: "the answer is another user's",
    step: "rest",
    cause: "other-user",
    arrange: ({ tenant }) =>
      tenant.enqueue({ path: "/api/v1/users/me", status: 200, body: { subject: "bob@acme.test" } }),
  },
  {
    row: "30",
    what: "the tenant's IP policy keeps this machine out",
    broken: "everything is answered 403",
    step: "tenant",
    cause: "address-not-admitted",
    arrange: ({ tenant }) => tenant.fault({ kind: "status", status: 403 }),
  },
  {
    row: "§1.1",
    what: "issuer or key id differ from those at the tenant",
    broken: "the configuration has another issuer",
    step: "login",
    cause: "unknown-issuer",
    arrange: changed("issuer: acme-portal", "issuer: acme-portl"),
    names: /acme-portl/,
  },
  {
    row: "§1.4",
    what: "LOGIN-2: no identity provider for this host name",
    broken: "the tenant has no identity provider",
    step: "login",
    cause: "no-identity-provider",
    world: { tenant: { identityProviders: [] } },
  },
  {
    row: "§1.4",
    what: "AUTH-5: the user is not of the tenant",
    broken: "the user is disabled",
    step: "login",
    cause: "user-refused",
    questions: ann,
    arrange: ({ tenant }) => tenant.users.setStatus("ann@acme.test", "disabled"),
  },
  {
    row: "§2.3",
    what: "the session is lost at once",
    broken: "the tenant answers 401 right after the login",
    step: "rest",
    cause: "session-lost",
    arrange: ({ tenant }) => tenant.fault({ path: "/api/v1/users/me", kind: "status", status: 401 }),
  },
  {
    row: "§5.5",
    what: "the engine has no place",
    broken: "the engine closes with 4240",
    step: "engine",
    cause: "engine-closed",
    arrange: ({ tenant }) => tenant.fault({ method: "UPGRADE", kind: "close", code: 4240 }),
    names: /4240/,
  },
  {
    row: "–",
    what: "the tenant breaks down",
    broken: "the login answers 503",
    step: "login",
    cause: "tenant-down",
    arrange: ({ tenant }) => tenant.fault({ path: loginPath, kind: "status", status: 503 }),
  },
  {
    row: "–",
    what: "the tenant is silent",
    broken: "nothing is answered",
    step: "tenant",
    cause: "tenant-down",
    arrange: (world) => {
      changed("login: 15s", "login: 300ms")(world);
      world.tenant.fault({ kind: "silence" });
    },
  },
  {
    row: "–",
    what: "a name that leads nowhere",
    broken: "tenant.origin has a host that does not exist",
    step: "dns",
    cause: "unknown-host",
    arrange: changed(/origin: http\S+\n {2}\n/, "origin: http://acme.invalid\n"),
  },
  {
    row: "–",
    what: "nothing listens at the tenant's address",
    broken: "tenant.origin has a port where nothing listens",
    step: "tcp",
    cause: "connection-refused",
    arrange: changed(/origin: http:\/\/acme\S+/, "origin: http://acme.localhost:1"),
  },
  {
    row: "–",
    what: "TLS: an authority that nobody knows",
    broken: "the tenant's own certificate is not named in tenant.caFile",
    step: "tls",
    cause: "unknown-authority",
    world: { tenant: { plainHttp: false } },
    arrange: changed("caFile: tenant.pem", ""),
  },
  {
    row: "–",
    what: "TLS: a certificate for another name",
    broken: "tenant.origin has a name that the certificate does not",
    step: "tls",
    cause: "other-name",
    world: { tenant: { plainHttp: false } },
    arrange: changed(/https:\/\/acme\.localhost/, "https://other.localhost"),
  },
  {
    row: "–",
    what: "TLS: what answers does not speak it",
    broken: "tenant.origin says https, and plain HTTP answers",
    step: "tls",
    cause: "no-tls",
    arrange: changed("origin: http:", "origin: https:"),
  },
  {
    row: "–",
    what: "a private key that everybody can read",
    broken: "the file of the key has mode 644",
    step: "key",
    cause: "readable-secret",
    outcome: "warned",
    arrange: ({ folder }) => chmodSync(join(folder.path, "key.pem"), 0o644),
    names: /chmod 600/,
  },
  {
    row: "–",
    what: "a key that is mistyped",
    broken: "the configuration has publicOrign",
    step: "configuration",
    cause: "wrong-configuration",
    arrange: changed("publicOrigin:", "publicOrign:"),
    names: /publicOrigin/,
  },
  {
    row: "–",
    what: "a port that is taken",
    broken: "another program listens on the proxy's port",
    step: "listeners",
    cause: "address-in-use",
    arrange: (world) => {
      world.config = world.config.replace("127.0.0.1:0", `127.0.0.1:${world.tenant.port}`);
    },
  },
  {
    row: "–",
    what: "a store that cannot be reached",
    broken: "session.store names a port where nothing listens",
    step: "store",
    cause: "store-unreachable",
    arrange: (world) => {
      world.folder.write("secret", "0123456789abcdef0123456789abcdef\n");
      world.config += "session: { secretFile: secret, store: 'redis://127.0.0.1:1' }\n";
    },
  },
];
