import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Secret } from "../kernel/secret.ts";
import { changedPlaces } from "./changed-options.ts";
import { reloadProblems, withSecretsOf } from "./fixed-options.ts";
import type { ResolvedOptions } from "./resolved-options.ts";
import { resolveOptions, type SessionProxyOptions } from "./session-proxy-options.ts";

const keys = ["a", "b"].map(() => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
const [one = "", two = "", three = ""] = ["1", "2", "3"].map((each) => each.repeat(32));

const given = {
  tenant: {
    origin: "https://acme.eu.qlikcloud.com",
    signingKeys: [{ issuer: "portal", keyId: "1", privateKey: keys[0] }],
  },
  identify: () => null,
  publicOrigin: "https://portal.example.com",
} as unknown as SessionProxyOptions;

const resolved = (changes: Partial<SessionProxyOptions> = {}): ResolvedOptions =>
  resolveOptions({ ...given, ...changes }, {});

const placesOf = (changes: Partial<SessionProxyOptions>, before = resolved()): readonly string[] =>
  reloadProblems(before, withSecretsOf(before, resolved(changes))).map(({ path }) => path);

describe("reloadProblems", () => {
  test("keys, secrets, policy, origins and the identity source may be other ones", () => {
    const changes: Partial<SessionProxyOptions> = {
      tenant: { ...given.tenant, signingKeys: [{ issuer: "i", keyId: "2", privateKey: keys[1] }] } as never,
      policy: { presets: ["embed-write"], allow: ["GET /api/v1/spaces/**"], deny: ["/api/v1/items/**"] },
      allowedOrigins: ["https://other.example.com"],
      allowMissingOrigin: true,
      frameAncestors: ["none"],
      trustedProxies: ["10.0.0.0/8"],
      identify: () => ({ subject: "ann" }),
      identityHeaders: ["x-user"],
    };
    expect(placesOf(changes)).toEqual([]);
  });

  test("everything else is named", () => {
    const changes: Partial<SessionProxyOptions> = {
      tenant: {
        origin: "https://other.eu.qlikcloud.com",
        signingKeys: given.tenant.signingKeys ?? [],
        sessionIdle: "10m",
      },
      prefix: "/analytics",
      publicOrigin: "https://other.example.com",
      store: "redis://one.example.com",
      secret: one,
      replicas: 2,
      session: { idleTimeout: "5m" },
      timeouts: { login: "3s" },
      limits: { sockets: 5 },
      upstream: { client: "undici" },
    };
    expect(placesOf(changes)).toEqual(
      expect.arrayContaining([
        "tenant.origin",
        "tenant.sessionIdle",
        "prefix",
        "publicOrigin",
        "store",
        "replicas",
        "session.idleTimeout",
        "timeouts.login",
        "limits.sockets",
        "upstream.client",
      ]),
    );
  });

  test("a source that signs people in itself stays as it is", () => {
    const source = (clientId: string) =>
      Object.assign(() => null, { fixed: { clientId, clientSecret: new Secret("s") } });
    expect(placesOf({ identify: source("a") }, resolved({ identify: source("a") }))).toEqual([]);
    expect(placesOf({ identify: source("b") }, resolved({ identify: source("a") }))).toEqual(["identity"]);
    expect(placesOf({ identify: () => null }, resolved({ identify: source("a") }))).toEqual(["identity"]);
  });

  test("a store's password is a change too, though it is not shown", () => {
    const before = resolved({ store: "redis://:one@host", secret: one });
    const after = resolved({ store: new Secret("redis://:two@host"), secret: one });
    expect(reloadProblems(before, after).map(({ path }) => path)).toEqual(["store"]);
    expect(reloadProblems(before, resolved({ store: "redis://:one@host", secret: one }))).toEqual([]);
  });

  test("what was left out may be written as it is by default", () => {
    expect(placesOf({ prefix: "/qlik", limits: { requestBody: "1GiB" }, store: "memory" })).toEqual([]);
  });

  test.each<[readonly string[], readonly string[]]>([
    [[two, one], []],
    [[one, two], []],
    [[two], ["secret"]],
    [[two, three], ["secret"]],
  ])("the secret that seals must open on: %j", (after, problems) => {
    expect(placesOf({ secret: after }, resolved({ secret: one }))).toEqual(problems);
  });
});

describe("withSecretsOf", () => {
  const textsOf = ({ secrets }: ResolvedOptions): readonly string[] => secrets.map((each) => each.reveal());

  test("a secret that was made up opens as long as the process lives", () => {
    const before = resolved();
    const [made] = textsOf(before);
    const unchanged = withSecretsOf(before, resolved());
    expect(textsOf(unchanged)).toEqual([made]);
    const configured = withSecretsOf(unchanged, resolved({ secret: one }));
    expect(textsOf(configured)).toEqual([one, made]);
    const rotated = withSecretsOf(configured, resolved({ secret: [two, one] }));
    expect(textsOf(rotated)).toEqual([two, one, made]);
    expect(textsOf(withSecretsOf(rotated, resolved()))).toEqual([two, one, made]);
  });
});

describe("changedPlaces", () => {
  test("sees into what hides its text, and takes a list for one place", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const value = (secret: string, list: readonly string[]) => ({
      key: privateKey,
      inner: { secret: new Secret(secret), set: new Set(list), list },
      call: () => secret,
    });
    expect(changedPlaces(value("a", ["x"]), value("a", ["x"]))).toEqual([]);
    expect(changedPlaces(value("a", ["x"]), value("b", ["x", "y"]))).toEqual([
      "inner.secret",
      "inner.set",
      "inner.list",
    ]);
    expect(changedPlaces({ key: keys[0] }, { key: keys[1] })).toEqual(["key"]);
    expect(changedPlaces({ a: { b: 1 } }, {})).toEqual(["a"]);
  });
});
