import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../errors.ts";
import { resolveOptions, type SessionProxyOptions } from "./session-proxy-options.ts";

const privateKey = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;

const right: SessionProxyOptions = {
  tenant: {
    origin: "https://acme.eu.qlikcloud.com",
    signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", privateKey }],
  },
  identify: () => null,
};

/** Where nothing but the proxy is served, beside an application with another host name. */
const ownHost = {
  prefix: "/",
  publicOrigin: "https://analytics.example.com",
  allowedOrigins: ["https://portal.example.com"],
  root: { ownHost: true },
};

const resolve = (options: unknown, environment: NodeJS.ProcessEnv = {}): ReturnType<typeof resolveOptions> =>
  resolveOptions(options as SessionProxyOptions, environment);

const problemsOf = (options: unknown, environment?: NodeJS.ProcessEnv): readonly string[] => {
  try {
    resolve(options, environment);
    return [];
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

describe("resolveOptions", () => {
  test("fills in every default", () => {
    const { tenant, identify, secrets, madeSecret, ...others } = resolve(right);
    expect(secrets.map((secret) => Buffer.from(secret.reveal(), "base64").length)).toEqual([32]);
    expect(secrets).toEqual([madeSecret]);
    expect(identify).toBe(right.identify);
    expect(tenant).toMatchObject({
      origin: "https://acme.eu.qlikcloud.com",
      ca: undefined,
      sessionIdle: 1_800_000,
      sessionLifetime: 86_400_000,
      signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", alg: "ES384" }],
    });
    expect(others).toEqual({
      prefix: "/qlik",
      root: { takeLogin: false, ownHost: false },
      publicOrigin: undefined,
      allowedOrigins: new Set(),
      allowMissingOrigin: false,
      trustedProxies: [],
      frameAncestors: ["'self'"],
      identityHeaders: new Set(),
      store: { kind: "memory" },
      replicas: 1,
      session: {
        storeGrace: 60_000,
        idleTimeout: 1_200_000,
        maxLifetime: 28_800_000,
        renewBefore: 120_000,
        revalidate: 600_000,
      },
      policy: { presets: ["embed"], allow: [], deny: [] },
      timeouts: {
        connect: 5000,
        headers: 60_000,
        bodyIdle: 60_000,
        login: 10_000,
        store: 500,
        socketIdle: 3_600_000,
        drainDelay: 5000,
        drain: 20_000,
      },
      limits: {
        socketsPerSession: 32,
        sockets: 16_384,
        requestBody: 1_073_741_824,
        replayBody: 65_536,
        loginsPerMinute: 100,
      },
      upstream: { perSession: 6, idle: 5000, idleTotal: 1024, total: 4096, client: "own" },
      unsafe: { plainHttpTenant: false, plainHttpPublic: false, foreignScriptOnAppOrigin: false },
      warnings: [],
    });
  });

  test("lets the public origin in beside the listed ones", () => {
    const { allowedOrigins } = resolve({
      ...right,
      publicOrigin: "https://portal.example.com",
      allowedOrigins: ["https://admin.example.com"],
    });
    expect([...allowedOrigins]).toEqual(["https://portal.example.com", "https://admin.example.com"]);
  });

  test("mounts at the root for /", () => {
    expect(resolve({ ...right, prefix: "/" }).prefix).toBe("");
  });

  test("warns of pages of the tenant below a prefix, where their files are not found", () => {
    const warnings = (options: object): readonly string[] =>
      resolve({
        ...right,
        policy: { presets: ["embed", "classic"] },
        unsafe: { foreignScriptOnAppOrigin: true },
        ...options,
      }).warnings.map(({ path, message }) => `${path}: ${message}`);
    expect(warnings({})).toEqual([expect.stringMatching(/^policy\.presets\[1\]: .*they need prefix "\/"$/)]);
    expect(warnings({ prefix: "/" })).toEqual([]);
    expect(warnings({ policy: {} })).toEqual([]);
  });

  test("lets pages of the tenant run on a host name of its own, and warns where nobody may frame them", () => {
    const classic = { ...right, ...ownHost, policy: { presets: ["embed", "classic"] } };
    const environment = { NODE_ENV: "production" };
    expect(resolveOptions(classic, environment).warnings.map(({ path }) => path)).toEqual(["frameAncestors"]);
    const framed = { ...classic, frameAncestors: ["https://portal.example.com"] };
    expect(resolveOptions(framed, environment).warnings).toEqual([]);
    expect(resolveOptions({ ...right, ...ownHost }, environment).warnings).toEqual([]);
  });

  test("renews short sessions a quarter of their life before their end", () => {
    expect(resolve({ ...right, session: { maxLifetime: 60_000 } }).session.renewBefore).toBe(15_000);
    const tenant = { ...right.tenant, sessionLifetime: 40_000 };
    expect(resolve({ ...right, tenant }).session.renewBefore).toBe(10_000);
  });

  test("cannot be changed afterwards, and leaves the caller's own objects alone", () => {
    const policy = { allow: ["GET /api/v1/spaces"] };
    const resolved = resolve({ ...right, policy });
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(Object.isFrozen(resolved.policy.allow)).toBe(true);
    expect(Object.isFrozen(resolved.tenant.signingKeys[0])).toBe(true);
    expect(Object.isFrozen(policy.allow)).toBe(false);
  });

  test("lists everything at once, a broken key beside a missing name", () => {
    expect(
      problemsOf({
        tenant: { origin: "acme", signingKeys: [{ issuer: "acme-portal", privateKey: "nonsense" }] },
        identity: right.identify,
        secret: "short",
        timeouts: { connect: "soon", drainDelay: -1 },
      }),
    ).toEqual([
      'identity: is not a known key; did you mean "identify"?',
      "tenant.signingKeys[0].keyId: is missing",
      "identify: is missing",
      "timeouts.connect: must be a whole number of milliseconds, or a text with its unit such as 30s",
      "timeouts.drainDelay: must be from 0s to 10m, not -1ms",
      "tenant.origin: is not an origin such as https://portal.example.com",
      "secret: must be 32 bytes or longer; openssl rand -base64 32 makes one",
      "tenant.signingKeys[0].privateKey: is not PEM; it must begin with -----BEGIN PRIVATE KEY-----",
    ]);
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["text", "https://acme.eu.qlikcloud.com"],
    ["an array", []],
  ])("refuses %s", (_what, options) => {
    expect(problemsOf(options)).not.toEqual([]);
  });

  test("refuses the same key twice", () => {
    const tenant = {
      ...right.tenant,
      signingKeys: [...(right.tenant.signingKeys ?? []), ...(right.tenant.signingKeys ?? [])],
    };
    expect(problemsOf({ ...right, tenant })).toEqual([
      "tenant.signingKeys[1]: has the issuer and key id of tenant.signingKeys[0]",
    ]);
  });

  test.each([
    [{ replicas: 0 }, "replicas: must be from 1 to 1000, not 0"],
    [{ session: { storeGrace: "2h" } }, "session.storeGrace: must be from 0s to 1h, not 2h"],
    [{ tenants: [right.tenant] }, "tenants: stands in the place of tenant, not beside it"],
    [
      { policy: { presets: ["embed", "classic"] } },
      'policy.presets[1]: "classic" lets pages and extensions of the tenant run their scripts',
    ],
    [
      { policy: { presets: ["assistent"] } },
      'policy.presets[0]: "assistent" is not a known preset; did you mean "assistants"?',
    ],
    [
      { policy: { presets: ["everything"] } },
      'policy.presets[0]: "everything" is not a known preset; there are embed, embed-write, assistants, classic',
    ],
    [
      { root: { takeLogin: true } },
      'root.takeLogin: is for prefix "/"; below any other, login and logout are',
    ],
    [{ ...ownHost, prefix: "/qlik" }, 'root.ownHost: is for prefix "/"'],
    [{ ...ownHost, publicOrigin: undefined }, "root.ownHost: needs publicOrigin"],
    [
      { ...ownHost, allowedOrigins: [ownHost.publicOrigin] },
      "root.ownHost: needs the origin of your application in allowedOrigins",
    ],
    [{ prefix: "/", root: { takeLogin: "yes" } }, "root.takeLogin: must be true or false"],
    [{ identify: "x-user" }, "identify: must be a function that takes the request"],
    [{ frameAncestors: ["none", "self"] }, "frameAncestors[0]: none must stand alone"],
    [{ secret: [] }, "secret: must hold at least one text, or be left out"],
    [{ publicOrigin: "http://portal.example.com" }, "publicOrigin: must begin with https://"],
  ])("refuses %j", (options, problem) => {
    const found = problemsOf({ ...right, ...options });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  test("is not led astray by names that every object has", () => {
    const polluted = JSON.parse('{"__proto__": {"unsafe": {"plainHttpTenant": true}}}') as object;
    expect(problemsOf({ ...right, ...polluted })).toEqual(["__proto__: is not a known key"]);
    expect(problemsOf({ ...right, constructor: 1, toString: 2 })).toEqual([
      "constructor: is not a known key",
      "toString: is not a known key",
    ]);
  });
});
