import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyNames } from "../../src/server/config/names.ts";
import {
  createConfigFolder,
  type ConfigFolder,
  loaded,
  privateKeyPem,
  problemsOf,
  rightConfig,
  secretsOf,
} from "./config-folder.ts";

let folder: ConfigFolder;
let file: string;
beforeAll(() => {
  folder = createConfigFolder();
  file = folder.write("config.yaml", `${rightConfig}session: { idleTimeout: 10m }\n`);
});
afterAll(() => folder.remove());

const idleTimeout = (sources: Parameters<typeof loaded>[0]): number | string | undefined =>
  loaded({ file, ...sources }).config.options.session?.idleTimeout;

describe("names", () => {
  test("are made from the schema by one rule", () => {
    const { variable, flag } = keyNames.find(({ path }) => path.join(".") === "session.idleTimeout") ?? {};
    expect([variable, flag]).toEqual(["QSP_SESSION_IDLE_TIMEOUT", "session.idle-timeout"]);
    const key = keyNames.find(({ path }) => path.join(".") === "tenant.signingKeys.[].privateKeyFile");
    expect(key?.variable).toBe("QSP_TENANT_SIGNING_KEYS_N_PRIVATE_KEY_FILE");
    expect(key?.flag).toBe("tenant.signing-keys.N.private-key-file");
  });

  test("are one to one", () => {
    for (const name of ["variable", "flag"] as const) {
      const all = keyNames.map((key) => key[name]);
      expect(new Set(all).size).toBe(all.length);
    }
  });
});

describe("precedence", () => {
  const environment = { QSP_SESSION_IDLE_TIMEOUT: "15m" };
  const flags = { "session.idle-timeout": ["25m"] };

  test("the file wins over the default", () => {
    expect(idleTimeout({})).toBe(600_000);
  });

  test("a variable wins over the file", () => {
    expect(idleTimeout({ environment })).toBe(900_000);
  });

  test("a flag wins over both", () => {
    expect(idleTimeout({ environment, flags })).toBe(1_500_000);
  });

  test("a problem names the variable or flag that it came from", () => {
    expect(problemsOf({ file, environment: { QSP_SESSION_IDLE_TIMEOUT: "15" } })[0]).toMatch(
      /^session\.idleTimeout: is a bare number.*\(from QSP_SESSION_IDLE_TIMEOUT\)$/,
    );
    expect(problemsOf({ file, flags: { "session.idle-timeout": ["0s"] } })).toEqual([
      "session.idleTimeout: must be from 1s to 30d, not 0s (from --session.idle-timeout)",
    ]);
  });
});

describe("variables", () => {
  test("can hold a whole configuration", () => {
    const { config } = loaded({
      environment: {
        QSP_LISTEN: "[::1]:0",
        QSP_PUBLIC_ORIGIN: "https://portal.example.com",
        QSP_ALLOWED_ORIGINS: "https://a.example.com, https://b.example.com",
        QSP_ALLOW_MISSING_ORIGIN: "true",
        QSP_TENANT_ORIGIN: "https://acme.eu.qlikcloud.com",
        QSP_TENANT_SIGNING_KEYS_0_ISSUER: "acme",
        QSP_TENANT_SIGNING_KEYS_0_KEY_ID: "1",
        QSP_TENANT_SIGNING_KEYS_0_PRIVATE_KEY: privateKeyPem.replaceAll("\n", "\\n"),
        QSP_IDENTITY_TRUSTED_HEADER_FROM: "127.0.0.1,10.0.0.0/8",
        QSP_IDENTITY_TRUSTED_HEADER_SUBJECT: "X-User-Sub",
        QSP_POLICY_ALLOW: "GET,HEAD /api/v1/spaces\nGET /api/v1/collections/**",
        QSP_LIMITS_REQUEST_BODY: "10MiB",
        QSP_LIMITS_SOCKETS_PER_SESSION: "4",
      },
    });
    expect(config.listen).toEqual({ host: "::1", port: 0 });
    expect(config.options).toMatchObject({
      allowedOrigins: ["https://a.example.com", "https://b.example.com"],
      allowMissingOrigin: true,
      identityHeaders: ["x-user-sub"],
      policy: { allow: ["GET,HEAD /api/v1/spaces", "GET /api/v1/collections/**"] },
      limits: { requestBody: 10_485_760, socketsPerSession: 4 },
    });
  });

  test("that nobody knows are refused with the nearest name", () => {
    expect(problemsOf({ file, environment: { QSP_SESION_IDLE_TIMEOUT: "1m" } })).toEqual([
      "QSP_SESION_IDLE_TIMEOUT: is not a known variable; did you mean QSP_SESSION_IDLE_TIMEOUT?",
    ]);
  });

  test("that Kubernetes sets for a service called qsp are left alone", () => {
    const environment = {
      QSP_SERVICE_HOST: "10.96.0.5",
      QSP_SERVICE_PORT: "80",
      QSP_SERVICE_PORT_HTTP: "80",
      QSP_PORT: "tcp://10.96.0.5:80",
      QSP_PORT_80_TCP_ADDR: "10.96.0.5",
    };
    expect(problemsOf({ file, environment })).toEqual([]);
  });
});

describe("flags", () => {
  test("give a list by being repeated", () => {
    const flags = { "policy.deny": ["/api/v1/spaces/**", "GET,HEAD /api/v1/items/*"] };
    expect(loaded({ file, flags }).config.options.policy?.deny).toEqual(flags["policy.deny"]);
  });

  test("of a single value are refused when repeated", () => {
    expect(problemsOf({ file, flags: { prefix: ["/a", "/b"] } })).toEqual([
      "--prefix: is given more than once",
    ]);
  });
});

describe("secrets", () => {
  const secret = "a-secret-of-thirty-two-bytes-or-so";
  const other = "another-secret-of-thirty-two-bytes";

  test("come from a file, a line each", () => {
    folder.write("secret", `${secret}\r\n\n${other}\n`);
    const flags = { "session.secret-file": [join(folder.path, "secret")] };
    expect(secretsOf(loaded({ file, flags }).config)).toEqual([secret, other]);
  });

  test("are used as they are, blanks at their ends too", () => {
    folder.write("blank", `  ${secret}  \n`);
    const environment = { QSP_SESSION_SECRET_FILE: join(folder.path, "blank") };
    expect(secretsOf(loaded({ file, environment }).config)).toEqual([`  ${secret}  `]);
  });

  test.each([
    [
      "key and file key",
      { yaml: `session: { secret: ${secret}, secretFile: secret }`, environment: {} },
      "session.secret and session.secretFile",
    ],
    [
      "file key and variable",
      { yaml: "session: { secretFile: secret }", environment: { QSP_SESSION_SECRET: secret } },
      "session.secretFile and QSP_SESSION_SECRET",
    ],
    [
      "variable and file variable",
      { yaml: "", environment: { QSP_SESSION_SECRET: secret, QSP_SESSION_SECRET_FILE: "secret" } },
      "QSP_SESSION_SECRET and QSP_SESSION_SECRET_FILE",
    ],
    [
      "the same key in file and variable",
      { yaml: "session: { secretFile: secret }", environment: { QSP_SESSION_SECRET_FILE: "secret" } },
      "session.secretFile and QSP_SESSION_SECRET_FILE",
    ],
  ])("given twice are refused: %s", (_what, { yaml, environment }, places) => {
    folder.write("secret", secret);
    const twice = folder.write("twice.yaml", `${rightConfig}${yaml}\n`);
    expect(problemsOf({ file: twice, environment })).toEqual([
      expect.stringContaining(`session.secret: is given more than once: in ${places}`),
    ]);
  });

  test("of the admin listener may be left out; the webhook's is the token unless it is said", () => {
    const admin = (environment: NodeJS.ProcessEnv): readonly (string | undefined)[] => {
      const listen = { QSP_ADMIN_LISTEN: "127.0.0.1:8788" };
      const { config } = loaded({ file, environment: { ...listen, ...environment } });
      return [config.admin?.token?.reveal(), config.admin?.webhookSecret?.reveal()];
    };
    expect(admin({})).toEqual([undefined, undefined]);
    expect(admin({ QSP_ADMIN_TOKEN: secret })).toEqual([secret, secret]);
    expect(admin({ QSP_ADMIN_WEBHOOK_SECRET: other })).toEqual([undefined, other]);
    expect(admin({ QSP_ADMIN_TOKEN: secret, QSP_ADMIN_WEBHOOK_SECRET: other })).toEqual([secret, other]);
  });

  test("on the command line are taken with a warning", () => {
    const { config, warnings } = loaded({ file, flags: { "session.secret": [secret] } });
    expect(secretsOf(config)).toEqual([secret]);
    expect(warnings.map(({ message }) => message)).toEqual([
      "--session.secret shows the secret to everybody who can list processes: use --session.secret-file",
    ]);
  });
});
