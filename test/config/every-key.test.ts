import { generateKeyPairSync } from "node:crypto";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { optionsForOne } from "../../src/options/several-tenants.ts";
import { keyNames } from "../../src/server/config/names.ts";
import { readFileTree } from "../../src/server/config/file-tree.ts";
import { sampleProfile } from "../support/sample-profile.ts";
import {
  type ConfigFolder,
  createConfigFolder,
  loaded,
  problemsOf,
  secretsOf,
  storeOf,
} from "./config-folder.ts";

let folder: ConfigFolder;
let file: string;

const storeUrl = "rediss://proxy:a-password@redis.example.com:6380/2";

/** Every key of the file that this version has; of the pairs with and without `File`, one. */
const everyKey = `
listen: 127.0.0.1:8787
publicOrigin: https://portal.example.com
prefix: /
root: { takeLogin: true, ownHost: false }
tls: { certFile: tls-cert.pem, keyFile: tls-key.pem }
http2: false
trustedProxies: [10.0.0.0/8]
allowedOrigins: [https://portal.example.com]
allowMissingOrigin: false
frameAncestors: [self]
admin: { listen: 127.0.0.1:8788, tokenFile: token, webhookSecretFile: webhook-secret }
edge: { listen: "unix:/run/qsp/edge.sock", tokenFile: edge-token }
workers: 1
replicas: 3
tenant:
  origin: https://acme.eu.qlikcloud.com
  caFile: tls-cert.pem
  profileFile: profile.yaml
  kind: qlik-cloud-jwt
  sessionIdle: 30m
  sessionLifetime: 24h
  signingKeys:
    - { issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem, alg: RS512 }
    - { issuer: acme-portal, keyId: "2025-07", privateKeyFile: tls-key.pem, certificateFile: tls-cert.pem }
identity:
  trustedHeader:
    from: [127.0.0.1/32, "edge:"]
    subject: X-User-Sub
    name: X-User-Name
    email: X-User-Email
    emailVerified: X-User-Email-Verified
    groups: X-User-Groups
    groupsSeparator: ";"
    sessionId: X-User-Session
session:
  secretFile: secret
  storeFile: store
  storeCaFile: tls-cert.pem
  storeGrace: 60s
  idleTimeout: 20m
  maxLifetime: 8h
  renewBefore: 2m
  revalidate: 10m
policy:
  presets: [embed, embed-write]
  allow: ["GET /api/v1/items/**"]
  deny: ["/api/v1/spaces/**"]
timeouts: { connect: 5s, headers: 60s, bodyIdle: 60s, login: 10s, store: 500ms, socketIdle: 1h, drainDelay: 5s, drain: 20s }
limits: { socketsPerSession: 32, sockets: 16384, requestBody: 1GiB, replayBody: 64KiB, loginsPerMinute: 100 }
upstream: { perSession: 6, idle: 5s, idleTotal: 1024, total: 4096, client: undici }
unsafe: { plainHttpTenant: false, plainHttpPublic: false, foreignScriptOnAppOrigin: false }
`;

const trustedHeader = everyKey.slice(everyKey.indexOf("  trustedHeader:"), everyKey.indexOf("session:\n"));

/** The sources that stand in the same place, with every key; the first has no place for the second of a pair. */
const otherSources = {
  bearer: `  bearer:
    header: Authorization
    publicKeyFile: token-key.pem
    issuer: https://idp.example.com
    audience: analytics
    claims: { subject: sub, name: name, email: email, emailVerified: email_verified, groups: roles, groupsSeparator: " ", sessionId: sid, tenant: org }
`,
  "bearer in a cookie": `  bearer:
    cookie: token
    jwksUrl: https://idp.example.com/jwks
    jwksCooldown: 30s
    issuer: https://idp.example.com
    audience: analytics
`,
  whoami: `  whoami:
    url: http://127.0.0.1:3000/me
    forwardHeaders: [cookie, authorization]
    forwardCookies: [sid]
    cacheFor: 10s
    timeout: 5s
    concurrency: 32
    claims: { subject: id, name: name, email: mail, emailVerified: verified, groups: roles, groupsSeparator: ",", sessionId: sid, tenant: org }
`,
  oidc: `  oidc:
    issuer: https://idp.example.com
    clientId: analytics
    clientSecretFile: client-secret
    scopes: [openid, profile, email, groups]
    afterLogout: https://portal.example.com/
    claims: { subject: sub, name: name, email: email, emailVerified: email_verified, groups: roles, groupsSeparator: " " }
`,
} as const;

/** The tenant of every key, and what it is called with another kind. */
const tenant = everyKey.slice(everyKey.indexOf("tenant:"), everyKey.indexOf("identity:\n"));

const signedBy = `  signingKeys:
    - { issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }
`;

const otherTenants = {
  "qlik-cloud-oauth": `tenant:
  origin: https://acme.eu.qlikcloud.com
  kind: qlik-cloud-oauth
  clientId: 0123456789abcdef
  clientSecretFile: client-secret
  scope: user_default
  userLookup: subject
  sessionLifetime: 6h
`,
  "qlik-sense-jwt": `tenant:
  origin: https://sense.example.com
  kind: qlik-sense-jwt
  virtualProxy: jwt
  sessionCookie: X-Qlik-Session-jwt
  userDirectory: PORTAL
  userIdClaim: userId
  userDirectoryClaim: userDirectory
  socketOrigin: https://portal.example.com
  sessionIdle: 30m
  sessionLifetime: 24h
${signedBy}`,
} as const;

/** One of several tenants with every key; what of `match` and beside it depends on how they are told apart. */
const oneOfTenants = (match: string, own: string): string => `  - name: acme
    match: { ${match} }
${own}    origin: https://acme.eu.qlikcloud.com
    caFile: tls-cert.pem
    profileFile: profile.yaml
    kind: qlik-cloud-jwt
    sessionIdle: 30m
    sessionLifetime: 24h
    signingKeys:
      - { issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem, alg: RS512 }
      - { issuer: acme-portal, keyId: "2025-07", privateKeyFile: tls-key.pem, certificateFile: tls-cert.pem }
    limits: { socketsPerSession: 8, sockets: 100, requestBody: 1MiB, replayBody: 1KiB, loginsPerMinute: 10 }
`;

const ownPolicy = `    policy: { presets: [embed], allow: ["GET /api/v1/items/**"], deny: ["/api/v1/spaces/**"] }\n`;

/** Edge mode is for one tenant of the usual kind. */
const edge = everyKey.slice(everyKey.indexOf("edge:"), everyKey.indexOf("workers:"));

const withTenant = (text: string): string => everyKey.replace(tenant, text).replace(edge, "");

const withTenants = (match: string, own = ""): string => withTenant(`tenants:\n${oneOfTenants(match, own)}`);

/** A tenant as one of several. */
const asOneOf = (text: string, name: string): string =>
  text.replace("tenant:\n", `- name: ${name}\n  match: { claim: ${name} }\n`).replaceAll(/^(?=.)/gm, "  ");

const byClaim = (text: string): string =>
  text.replace("    name: X-User-Name\n", "    name: X-User-Name\n    tenant: X-User-Tenant\n");

/** The ways of telling several tenants apart, each with what goes with it. */
const several = {
  host: withTenants("host: a.example.com", `    publicOrigin: https://a.example.com\n${ownPolicy}`).replace(
    "publicOrigin: https://portal.example.com\n",
    "",
  ),
  prefix: withTenants("prefix: /qlik/acme", ownPolicy).replace(
    "prefix: /\nroot: { takeLogin: true, ownHost: false }\n",
    "",
  ),
  claim: byClaim(withTenants("claim: acme")),
  "claim, and of other kinds": byClaim(
    withTenant(
      `tenants:\n${Object.values(otherTenants)
        .map((text, index) => asOneOf(text, `tenant-${index}`))
        .join("")}`,
    ),
  ),
} as const;

const withSource = (source: string): string => everyKey.replace(trustedHeader, source);

beforeAll(async () => {
  folder = createConfigFolder();
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  folder.write("tls-cert.pem", pair.cert);
  folder.write("tls-key.pem", pair.private);
  folder.write("profile.yaml", sampleProfile);
  folder.write("token", "0123456789abcdef0123456789abcdef\n");
  folder.write("edge-token", "edgedcba9876543210fedcba98765432\n");
  folder.write("webhook-secret", "fedcba9876543210fedcba9876543210\n");
  folder.write("store", `${storeUrl}\n`);
  folder.write("secret", "a-secret-of-thirty-two-bytes-or-so\n");
  folder.write(
    "token-key.pem",
    generateKeyPairSync("ec", { namedCurve: "P-256" })
      .publicKey.export({ type: "spki", format: "pem" })
      .toString(),
  );
  folder.write("client-secret", "a-client-secret\n");
  file = folder.write("config.yaml", everyKey);
});
afterAll(() => folder.remove());

/** The paths of all values in a tree, places in lists as `[]`. */
const pathsOf = (tree: unknown, path = ""): readonly string[] => {
  if (Array.isArray(tree) && tree.some((item) => typeof item === "object"))
    return tree.flatMap((item: unknown) => pathsOf(item, `${path}.[]`));
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return [path.slice(1)];
  return Object.entries(tree).flatMap(([key, inner]) => pathsOf(inner, `${path}.${key}`));
};

describe("a file with every key", () => {
  test("is right, without a warning", () => {
    expect(problemsOf({ file })).toEqual([]);
    expect(loaded({ file }).warnings).toEqual([]);
  });

  test.each(Object.entries(otherSources))("is right with %s instead", (_what, source) => {
    const other = folder.write("other-source.yaml", withSource(source));
    expect(problemsOf({ file: other })).toEqual([]);
    expect(loaded({ file: other }).warnings).toEqual([]);
  });

  test.each(Object.entries(otherTenants))("is right with a tenant of the kind %s instead", (_kind, text) => {
    const other = folder.write("other-tenant.yaml", withTenant(text));
    expect(problemsOf({ file: other })).toEqual([]);
    expect(loaded({ file: other }).warnings).toEqual([]);
  });

  test.each(Object.entries(several))("is right with several tenants by %s instead", (_by, text) => {
    const other = folder.write("several.yaml", text);
    expect(problemsOf({ file: other })).toEqual([]);
    expect(loaded({ file: other }).warnings).toEqual([]);
  });

  test("leaves none out that the schema knows", () => {
    const texts = [
      ...Object.values(otherSources).map(withSource),
      ...Object.values(otherTenants).map((each) => withTenant(each)),
      ...Object.values(several),
    ];
    const files = texts.map((text, index) => folder.write(`source-${index}.yaml`, text));
    const written = new Set([file, ...files].flatMap((each) => pathsOf(readFileTree(each).tree)));
    const known = keyNames
      .filter(({ leaf }) => leaf !== "unavailable")
      .map(({ path }) => path.join("."))
      .filter((path) => !written.has(path) && !written.has(`${path}File`));
    expect(known).toEqual([]);
  });

  test("becomes the configuration that it says", () => {
    const { config } = loaded({ file });
    expect(config).toMatchObject({
      listen: { host: "127.0.0.1", port: 8787 },
      admin: { listen: { host: "127.0.0.1", port: 8788 } },
      tls: { cert: expect.stringContaining("CERTIFICATE") as string },
      drain: { delay: 5000, deadline: 20_000 },
      options: {
        prefix: "/",
        root: { takeLogin: true, ownHost: false },
        storeCa: expect.stringContaining("CERTIFICATE") as string,
        replicas: 3,
        session: {
          storeGrace: 60_000,
          idleTimeout: 1_200_000,
          maxLifetime: 28_800_000,
          renewBefore: 120_000,
          revalidate: 600_000,
        },
        limits: { requestBody: 1_073_741_824, replayBody: 65_536 },
      },
    });
    expect(secretsOf(config)).toEqual(["a-secret-of-thirty-two-bytes-or-so"]);
    expect(storeOf(config)).toBe(storeUrl);
    expect(config.admin?.token?.reveal()).toBe("0123456789abcdef0123456789abcdef");
    expect(config.admin?.webhookSecret?.reveal()).toBe("fedcba9876543210fedcba9876543210");
    expect([config.edge?.listen, config.edge?.token.reveal()]).toEqual([
      { path: "/run/qsp/edge.sock" },
      "edgedcba9876543210fedcba98765432",
    ]);
    expect(optionsForOne(config.options).tenant.signingKeys?.map(({ alg }) => alg)).toEqual([
      "RS512",
      undefined,
    ]);
  });

  test("may leave the peers of the identity to trustedProxies", () => {
    const peers = '    from: [127.0.0.1/32, "edge:"]\n';
    expect(everyKey).toContain(peers);
    const without = folder.write("proxies.yaml", everyKey.replace(peers, ""));
    expect(problemsOf({ file: without })).toEqual([]);
    const everybody = everyKey.replace(peers, "").replace("[10.0.0.0/8]", "[0.0.0.0/0]");
    expect(problemsOf({ file: folder.write("everybody.yaml", everybody) })).toEqual([
      "trustedProxies[0]: would believe every peer",
    ]);
  });

  test("is refused with a key of the listener that is not its certificate's", () => {
    const other = everyKey.replace("keyFile: tls-key.pem", "keyFile: key.pem");
    expect(problemsOf({ file: folder.write("other.yaml", other) })).toEqual([
      "tls.keyFile: does not belong to the certificate",
    ]);
  });
});
