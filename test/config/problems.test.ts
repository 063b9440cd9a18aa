import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachOptions, resolveAll } from "../../src/options/several-tenants.ts";
import { createConfigFolder, type ConfigFolder, loaded, problemsOf, rightConfig } from "./config-folder.ts";

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
});
afterAll(() => folder.remove());

const problems = (yaml: string): readonly string[] => problemsOf({ file: folder.write("config.yaml", yaml) });

/** The right configuration with one line changed or added. */
const changed = (from: string, to: string): string => {
  expect(rightConfig).toContain(from);
  return rightConfig.replace(from, to);
};

describe("a configuration file", () => {
  test("that is right has no problems", () => {
    expect(problems(rightConfig)).toEqual([]);
  });

  test("with everything wrong is told everything at once", () => {
    const found = problems(`
listen: 8787
publicOrigin: https://portal.example.com/app
prefix: qlik
trustedProxies: [10.0.0.0/99]
tenant:
  origin: http://acme.eu.qlikcloud.com
  signingKeys:
    - { issuer: acme-portal, privateKeyFile: missing.pem }
identity:
  trustedHeader: { from: [0.0.0.0/0], subject: X-User-Sub }
session: { idleTimeout: 20, renewBefore: 9h }
limits: { requestBody: 1MB, socketsPerSession: 0 }
policy: { presets: [embedd], allow: ["nonsense"] }
timeouts: { conect: 5s }
`);
    expect(found.map((line) => line.slice(0, line.indexOf(": ")))).toEqual(
      expect.arrayContaining([
        "listen",
        "publicOrigin",
        "prefix",
        "trustedProxies[0]",
        "tenant.origin",
        "tenant.signingKeys[0].keyId",
        "tenant.signingKeys[0].privateKeyFile",
        "identity.trustedHeader.from[0]",
        "session.idleTimeout",
        "session.renewBefore",
        "limits.requestBody",
        "limits.socketsPerSession",
        "policy.presets[0]",
        "policy.allow[0]",
        "timeouts.conect",
      ]),
    );
    expect(found).toHaveLength(15);
  });

  test.each([
    ["publicOrigin: https://portal.example.com", "", "publicOrigin: is missing"],
    [
      "identity:",
      "idleTimeout: 5m\nidentity:",
      'idleTimeout: is not a known key; did you mean "session.idleTimeout"?',
    ],
    ["identity:", "session: { idleTimeout: 1200 }\nidentity:", "session.idleTimeout: is a bare number"],
    ["identity:", 'session: { idleTimeout: "1200" }\nidentity:', "session.idleTimeout: is a bare number"],
    [
      "identity:",
      "session: { idleTimeout: 20 minutes }\nidentity:",
      "session.idleTimeout: must be a duration such as 30s",
    ],
    [
      "identity:",
      "session: { idleTimeout: 31d }\nidentity:",
      "session.idleTimeout: must be from 1s to 30d, not 31d",
    ],
    ["identity:", "session: { idleTimeout: }\nidentity:", "session.idleTimeout: is empty"],
    [
      "identity:",
      "session: { renewBefore: 2h, maxLifetime: 1h }\nidentity:",
      "session.renewBefore: must be less than session.maxLifetime, which is 1h",
    ],
    ["identity:", "limits: { requestBody: 1048576 }\nidentity:", "limits.requestBody: is a bare number"],
    [
      "identity:",
      "limits: { socketsPerSession: 1.5 }\nidentity:",
      "limits.socketsPerSession: must be a whole number",
    ],
    ["identity:", "listen: 127.0.0.1\nidentity:", "listen: must be an address with a port"],
    ["identity:", "listen: 127.0.0.1:70000\nidentity:", "listen: must be an address with a port"],
    ["identity:", "allowMissingOrigin: yes please\nidentity:", "allowMissingOrigin: must be true or false"],
    ["identity:", "allowedOrigins: https://a.example\nidentity:", "allowedOrigins: must be a list"],
    ["identity:", 'allowedOrigins: ["*"]\nidentity:', "allowedOrigins[0]: "],
    ["identity:", "admin: { token: 0123456789abcdef }\nidentity:", "admin.listen: is missing"],
    [
      "identity:",
      "admin: { listen: 127.0.0.1:8787, token: 0123456789abcdef }\nidentity:",
      "admin.listen: must be another address",
    ],
    ["identity:", "edge: { listen: unix:/run/qsp.sock }\nidentity:", "edge.tokenFile: is missing (or token)"],
    [
      "identity:",
      "edge: { listen: 127.0.0.1:8787, token: 0123456789abcdef }\nidentity:",
      "edge.listen: must be another address than listen",
    ],
    [
      "identity:",
      "admin: { listen: 127.0.0.1:8788, token: 0123456789abcdef }\nedge: { listen: 127.0.0.1:8788, token: fedcba9876543210 }\nidentity:",
      "edge.listen: must be another address than admin.listen",
    ],
    [
      "identity:",
      "admin: { listen: 127.0.0.1:8788, token: 0123456789abcdef }\nedge: { token: 0123456789abcdef }\nidentity:",
      "edge.token: must be another secret than those of admin",
    ],
    [
      "identity:",
      "admin: { listen: 127.0.0.1:8788, webhookSecret: 0123456789abcdef }\nedge: { token: 0123456789abcdef }\nidentity:",
      "edge.token: must be another secret than those of admin",
    ],
    [
      "identity:",
      "tls: { certFile: key.pem, keyFile: key.pem }\nidentity:",
      "tls.certFile: is not a certificate",
    ],
    [
      "identity:",
      "session: { secret: short }\nidentity:",
      "session.secret, line 1: must be 32 bytes or longer",
    ],
    [
      "{ from: [127.0.0.1/32], subject: X-User-Sub, email: X-User-Email }",
      "{ from: [127.0.0.1/32] }",
      "identity.trustedHeader.subject: is missing",
    ],
    [
      "{ from: [127.0.0.1/32], subject: X-User-Sub, email: X-User-Email }",
      "{ subject: X-User-Sub }",
      "identity.trustedHeader.from: must name the peers",
    ],
    [
      "{ from: [127.0.0.1/32], subject: X-User-Sub, email: X-User-Email }",
      '{ from: ["::/0"], subject: X-User-Sub }',
      "identity.trustedHeader.from[0]: would believe every peer",
    ],
    ['keyId: "2026-01"', "keyId: 2026", "tenant.signingKeys[0].keyId: must be text"],
    [
      "privateKeyFile: key.pem",
      "alg: ES256, privateKeyFile: key.pem",
      "tenant.signingKeys[0].alg: must be RS256",
    ],
    [", privateKeyFile: key.pem", "", "tenant.signingKeys[0].privateKeyFile: is missing (or privateKey)"],
    ["privateKeyFile: key.pem", "privateKey: hello", "tenant.signingKeys[0].privateKey: is not PEM"],
    [
      "identity:",
      "unsafe: { plainHttpTenant: maybe }\nidentity:",
      "unsafe.plainHttpTenant: must be true or false",
    ],
  ])("with %j as %j has one problem: %s", (from, to, problem) => {
    const found = problems(changed(from, to));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  test.each([
    ["http2: true", "http2: needs tls: browsers speak HTTP/2 over TLS alone"],
    [
      "session: { store: memcached://localhost }",
      "session.store: must be memory, file:DIR, redis://…, rediss://…, redis+sentinel://… or redis+cluster://…",
    ],
  ])("refuses what comes later, never ignores it: %s", (line, problem) => {
    expect(problems(`${rightConfig}${line}\n`)).toEqual([problem]);
  });

  test.each(["/qlik", "/"])(
    "refuses pages of the tenant below %s, and says why and what would do",
    (prefix) => {
      const [problem = "", ...others] = problems(
        `${rightConfig}prefix: ${prefix}\npolicy: { presets: [embed, classic] }\n`,
      );
      expect(others).toEqual([]);
      expect(problem).toMatch(
        /^policy\.presets\[1\]: "classic" lets pages .* run their scripts with all rights/,
      );
      expect(problem).toContain("a host name of its own and say so with root.ownHost: true");
      expect(problem).toContain("needs unsafe.foreignScriptOnAppOrigin: true");
    },
  );

  test("takes pages of the tenant where the operator has said so, but not in production", () => {
    const trusting = folder.write(
      "trusting.yaml",
      `${rightConfig}policy: { presets: [embed, classic] }\nunsafe: { foreignScriptOnAppOrigin: true }\n`,
    );
    expect(problemsOf({ file: trusting })).toEqual([]);
    expect(loaded({ file: trusting }).warnings.map(({ path }) => path)).toEqual(["policy.presets[1]"]);
    expect(problemsOf({ file: trusting, environment: { NODE_ENV: "production" } })).toEqual([
      "unsafe.foreignScriptOnAppOrigin: is refused because NODE_ENV is production",
    ]);
  });

  test("refuses a kind of tenant that there is not", () => {
    expect(problems(rightConfig.replace("tenant:\n", "tenant:\n  kind: qlik-view\n"))).toEqual([
      "tenant.kind: must be one of qlik-cloud-jwt, qlik-cloud-oauth, qlik-sense-jwt",
    ]);
  });

  test("refuses what is of another kind of tenant, and says what its own kind needs", () => {
    expect(problems(rightConfig.replace("tenant:\n", "tenant:\n  kind: qlik-cloud-oauth\n"))).toEqual([
      "tenant.signingKeys: is for tenant.kind qlik-cloud-jwt and qlik-sense-jwt; here the kind is qlik-cloud-oauth",
      "tenant.clientId: is missing",
      "tenant.clientSecretFile: is missing",
    ]);
    expect(problems(rightConfig.replace("tenant:\n", "tenant:\n  clientId: an-id\n"))).toEqual([
      "tenant.clientId: is for tenant.kind qlik-cloud-oauth; here the kind is qlik-cloud-jwt",
    ]);
    const sense = "tenant:\n  kind: qlik-sense-jwt\n  virtualProxy: /jwt/\n  sessionCookie: a b\n";
    expect(problems(rightConfig.replace("tenant:\n", sense))).toEqual([
      "tenant.userDirectory: is missing",
      "tenant.virtualProxy: must be the prefix alone, without a slash: letters, digits, - and _",
      "tenant.sessionCookie: is not the name of a cookie",
    ]);
  });

  test("gives a login at Qlik Sense the time that a server at rest needs", () => {
    const loginTimeout = (text: string): number | undefined => {
      const resolved = resolveAll(loaded({ file: folder.write("config.yaml", text) }).config.options);
      return eachOptions(resolved)[0]?.timeouts.login;
    };
    const sense = rightConfig.replace(
      "tenant:\n",
      "tenant:\n  kind: qlik-sense-jwt\n  userDirectory: PORTAL\n",
    );
    const said = `${sense}timeouts: { login: 7s }\n`;
    expect([rightConfig, sense, said].map(loginTimeout)).toEqual([10_000, 30_000, 7000]);
  });

  test.each(["0", "1.5", "129", "many", '"4"'])("takes workers: 1 to 128, or auto, and not %s", (workers) => {
    expect(problems(`${rightConfig}workers: ${workers}\n`)).toEqual([
      "workers: must be a whole number from 1 to 128, or auto",
    ]);
    for (const right of ["1", "128", "auto"])
      expect(problems(`${rightConfig}workers: ${right}\n`)).toEqual([]);
  });

  test("takes what a later version will vary, at the value that this one has", () => {
    const same = `${rightConfig}http2: false\nsession: { store: memory, storeGrace: 60s }\n`;
    expect(problems(same)).toEqual([]);
  });

  test("wants exactly one identity source", () => {
    const none = rightConfig.replace(/identity:[^]*$/, "identity: {}\n");
    expect(problems(none)).toEqual(["identity: must name exactly one source, such as trustedHeader"]);
  });

  test("names the line of a mistake in YAML", () => {
    const [problem] = problems(`${rightConfig}edge: [1, 2\n`);
    expect(problem).toMatch(/config\.yaml: is not YAML: line \d+, column \d+/);
  });

  test("says of a mistyped key what was meant, and what is missing now", () => {
    expect(problems(changed("publicOrigin: https", "publicOrgin: https"))).toEqual([
      'publicOrgin: is not a known key; did you mean "publicOrigin"?',
      "publicOrigin: is missing",
    ]);
  });

  test("refuses a key that stands twice", () => {
    const [problem] = problems(`${rightConfig}publicOrigin: https://other.example.com\n`);
    expect(problem).toContain("Map keys must be unique");
  });

  test("says that a file does not exist, and nothing else", () => {
    const file = join(folder.path, "nowhere.yaml");
    expect(problemsOf({ file })).toEqual([`${file}: does not exist`]);
  });

  test("names the file that cannot be read", () => {
    const found = problems(changed("key.pem", "nowhere.pem"));
    expect(found).toEqual([
      `tenant.signingKeys[0].privateKeyFile: names a file that does not exist, looked for in ${folder.path}`,
    ]);
  });

  test("never repeats a secret in a problem", () => {
    const found = problems(`${rightConfig}session: { secret: hunter2-hunter2 }\n`).join("\n");
    expect(found).not.toBe("");
    expect(found).not.toContain("hunter2");
  });

  test("may be JSON", () => {
    const config = {
      publicOrigin: "https://portal.example.com",
      tenant: {
        origin: "https://acme.eu.qlikcloud.com",
        signingKeys: [{ issuer: "acme", keyId: "1", privateKeyFile: "key.pem" }],
      },
      identity: { trustedHeader: { from: ["::1"], subject: "X-User-Sub" } },
    };
    const file = folder.write("config.json", JSON.stringify(config, null, "\t"));
    expect(problemsOf({ file })).toEqual([]);
  });
});

describe("the surroundings", () => {
  test("refuse unsafe keys in production", () => {
    const file = folder.write("unsafe.yaml", `${rightConfig}unsafe: { plainHttpTenant: true }\n`);
    expect(problemsOf({ file, environment: { NODE_ENV: "production" } })).toEqual([
      "unsafe.plainHttpTenant: is refused because NODE_ENV is production",
    ]);
    expect(problemsOf({ file, environment: { NODE_ENV: "development" } })).toEqual([]);
  });

  test("refuse to run with certificate checks switched off", () => {
    const file = folder.write("right.yaml", rightConfig);
    const [problem] = problemsOf({ file, environment: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
    expect(problem).toContain("NODE_TLS_REJECT_UNAUTHORIZED: is 0");
  });
});

describe("warnings", () => {
  test("are loud about replicas that share nothing", () => {
    const file = folder.write("replicas.yaml", `${rightConfig}replicas: 3\n`);
    const [warning, ...others] = loaded({ file }).warnings;
    expect([warning?.path, others]).toEqual(["session.store", []]);
    expect(warning?.message).toContain("replicas is 3, but the memory store is shared by nobody");
    const environment = { QSP_REPLICAS: "1", WEB_CONCURRENCY: "2" };
    expect(loaded({ file, environment }).warnings[0]?.message).toContain("WEB_CONCURRENCY is 2");
  });

  test("name a private key that every user may read", () => {
    const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    folder.write("open.pem", String(key.export({ type: "pkcs8", format: "pem" })), 0o644);
    const file = folder.write("open.yaml", rightConfig.replace("key.pem", "open.pem"));
    expect(loaded({ file }).warnings).toEqual([
      {
        path: "tenant.signingKeys[0].privateKeyFile",
        message: `${join(folder.path, "open.pem")} may be read by every user: chmod 600`,
      },
    ]);
  });

  test("name a token and a webhook secret that can be guessed", () => {
    const admin = "admin: { listen: 127.0.0.1:8788, token: short, webhookSecret: 0123456789abcde }\n";
    const file = folder.write("guess.yaml", `${rightConfig}${admin}`);
    expect(loaded({ file }).warnings).toEqual([
      { path: "admin.token", message: "is shorter than 16 characters: openssl rand -hex 32 makes one" },
      {
        path: "admin.webhookSecret",
        message: "is shorter than 16 characters: openssl rand -hex 32 makes one",
      },
    ]);
  });

  test("say that users without an e-mail may be refused", () => {
    const file = folder.write("plain.yaml", rightConfig.replace(", email: X-User-Email", ""));
    const [warning, ...others] = loaded({ file }).warnings;
    expect([warning?.path, others]).toEqual(["identity.trustedHeader.email", []]);
    expect(warning?.message).toContain("Qlik Cloud documents the e-mail as required");
  });
});
