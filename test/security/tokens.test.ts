/* The tokens that sign users in: what may stand in them, and what a signer that fails costs. attacks J1 J2 J5 */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import type { SessionProxyOptions, SigningKeyOptions } from "../../src/index.ts";
import { type RawUpstream, startRawUpstream } from "../support/raw-upstream.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

const started = cleanedUp();
const me = "/api/v1/users/me";
const names = { issuer: "portal.example.test", keyId: "key-1" };

/** Every token that has come to the login. */
const tokensAt = ({ seen }: RawUpstream): readonly string[] =>
  seen
    .filter(({ path }) => path === "/login/jwt-session")
    .map((request) => (request.header("authorization") ?? "").replace("Bearer ", ""));

const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

/** A proxy that signs with this key, before a tenant that takes everything. */
async function startWith(
  signingKey: Partial<SigningKeyOptions> & Pick<SigningKeyOptions, "privateKey">,
  proxy: Partial<SessionProxyOptions> = {},
): Promise<RawStack> {
  const upstream = started.keep(await startRawUpstream());
  const tenant = { origin: upstream.origin, signingKeys: [{ ...names, ...signingKey }] };
  return { upstream, stack: await started.stack({ proxy: { ...proxy, tenant } }) };
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;

describe("a token for a login", () => {
  test.each([
    ["RS256", "an RSA key", rsa, undefined],
    ["RS384", "an RSA key that is to be used so", rsa, "RS384"],
    ["RS512", "an RSA key that is to be used so", rsa, "RS512"],
    ["ES256", "a key on P-256", p256, undefined],
    ["ES384", "a key on P-384", p384, undefined],
  ] as const)(
    "is signed as %s with %s, for the login and for a short time",
    async (alg, _key, privateKey, asked) => {
      const { stack, upstream } = await startWith({ privateKey, ...(asked ? { alg: asked } : {}) });
      expect((await stack.get(me)).status).toBe(200);
      const [token = ""] = tokensAt(upstream);
      expect(decodeProtectedHeader(token)).toEqual({ alg, kid: names.keyId, typ: "JWT" });
      const wanted = { algorithms: [alg], issuer: names.issuer, audience: "qlik.api/login/jwt-session" };
      // Clocks differ: the tenant's may be half a minute behind, and the login may come late by its clock.
      for (const skew of [-25_000, 0, 100_000]) {
        const currentDate = new Date(Date.now() + skew);
        const { payload } = await jwtVerify(token, createPublicKey(privateKey), { ...wanted, currentDate });
        const { iat = 0, nbf = 0, exp = 0, aud } = payload;
        expect([aud, nbf - iat, exp - iat]).toEqual([wanted.audience, 0, 150]);
      }
      for (const skew of [-60_000, 180_000]) {
        const currentDate = new Date(Date.now() + skew);
        await expect(
          jwtVerify(token, createPublicKey(privateKey), { ...wanted, currentDate }),
        ).rejects.toThrow(/claim/);
      }
    },
  );

  test("has an id that no other has: of other users, of a second attempt, of renewals", async () => {
    const { stack, upstream } = await startWith({ privateKey: p256 });
    let logins = 0;
    upstream.login((socket) => {
      logins += 1;
      if (logins % 3 === 1) socket.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      else
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: eas.sid=${logins}; Path=/\r\n\r\n`);
    });
    await Promise.all(Array.from({ length: 20 }, (_, user) => stack.get(me, { user: `user-${user}` })));
    upstream.handle((request, socket) => {
      const isFresh = Number(/eas\.sid=(\d+)/.exec(request.header("cookie") ?? "")?.[1]) > 30;
      socket.write(`HTTP/1.1 ${isFresh ? "200 OK" : "401 Unauthorized"}\r\nContent-Length: 0\r\n\r\n`);
    });
    await Promise.all(Array.from({ length: 20 }, (_, user) => stack.get(me, { user: `user-${user}` })));
    const ids = tokensAt(upstream).map((token) => claimsOf(token)["jti"]);
    expect(ids.length).toBeGreaterThan(30);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("the claims of a token", () => {
  const known = [
    "sub",
    "subType",
    "name",
    "email",
    "email_verified",
    "groups",
    "iss",
    "aud",
    "jti",
    "iat",
    "nbf",
    "exp",
  ];

  test("are those that the host may give, whatever else it returns", async () => {
    const returned = JSON.parse(`{
      "subject": "ann", "name": "Ann", "email": "ann@example.test", "emailVerified": false,
      "groups": ["__proto__", "constructor", "prototype", "toString"],
      "__proto__": { "subject": "root", "groups": ["admins"], "polluted": true }, "constructor": { "prototype": { "polluted": true } },
      "iss": "evil", "aud": "evil", "exp": 1, "nbf": 1, "iat": 1, "jti": "1", "sub": "root", "subType": "admin",
      "email_verified": true, "roles": ["TenantAdmin"], "alg": "none", "kid": "evil"
    }`) as never;
    const { stack, upstream } = await startWith({ privateKey: p256 }, { identify: () => returned });
    expect((await stack.get(me)).status).toBe(200);
    const [token = ""] = tokensAt(upstream);
    const claims = claimsOf(token);
    expect(Object.keys(claims).toSorted()).toEqual(known.toSorted());
    expect(claims).toMatchObject({
      sub: "ann",
      subType: "user",
      name: "Ann",
      email: "ann@example.test",
      email_verified: false,
      groups: ["__proto__", "constructor", "prototype", "toString"],
      iss: names.issuer,
      aud: "qlik.api/login/jwt-session",
    });
    expect(decodeProtectedHeader(token)).toEqual({ alg: "ES256", kid: names.keyId, typ: "JWT" });
    expect("polluted" in {}).toBe(false);
  });

  const ann = { subject: "ann" };
  test.each<[string, object]>([
    ["a subject that is a number", { subject: 7 }],
    ["a subject that is a list", { subject: ["ann"] }],
    ["a subject of 257 characters", { subject: "x".repeat(257) }],
    ["a subject with half a character", { subject: "ann\ud800" }],
    ["a name that is an object", { ...ann, name: { toString: () => "Ann" } }],
    ["a name of 1025 characters", { ...ann, name: "x".repeat(1025) }],
    ["an e-mail that is a list", { ...ann, email: ["ann@example.test"] }],
    ["an e-mail with a line break", { ...ann, email: "ann@example.test\r\nbob@example.test" }],
    ["a text that says whether the e-mail is verified", { ...ann, emailVerified: "true" }],
    ["groups that are a text", { ...ann, groups: "admins" }],
    ["groups that are an object", { ...ann, groups: { length: 1, 0: "admins" } }],
    ["501 groups", { ...ann, groups: Array.from({ length: 501 }, (_, index) => `group ${index}`) }],
    ["a group of 257 characters", { ...ann, groups: ["x".repeat(257)] }],
    ["a group that is a number", { ...ann, groups: [7] }],
    ["an empty group", { ...ann, groups: [""] }],
    ["a host session of 257 characters", { ...ann, sessionId: "x".repeat(257) }],
  ])("%s is no identity: 500, and no token is made", async (_what, identity) => {
    const { stack, upstream } = await startWith({ privateKey: p256 }, { identify: () => identity as never });
    const answer = await stack.get(me);
    expect([answer.status, answer.text]).toEqual([500, expect.stringContaining("QSP-IDENTITY")]);
    expect(upstream.seen).toEqual([]);
  });
});

describe("a signer that", () => {
  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("c4n4ry");
      },
    ],
    ["rejects", () => Promise.reject(new Error("c4n4ry"))],
    ["never answers", () => new Promise(() => {})],
    ["returns nothing", () => undefined],
  ])("%s is 502 for the user, and is not asked again after three users", async (_what, sign) => {
    let asked = 0;
    const signer = {
      alg: "ES256" as const,
      sign() {
        asked += 1;
        return sign() as Uint8Array;
      },
    };
    const { stack, upstream } = await startWith({ privateKey: signer }, { timeouts: { login: 200 } });
    for (let user = 0; user < 8; user += 1) {
      const answer = await stack.get(me, { user: `user-${user}` });
      expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("QSP-TENANT-REFUSED")]);
      expect(answer.text).not.toContain("c4n4ry");
    }
    expect(asked).toBe(3);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 0, loginsHeldBack: true });
    expect(upstream.seen).toEqual([]);
  });

  test("works again is asked by one login, and then by all", async () => {
    const clock = createManualClock();
    let isBroken = true;
    const upstream = started.keep(await startRawUpstream());
    const privateKey = {
      alg: "ES256" as const,
      sign: () => (isBroken ? Promise.reject(new Error("no key service")) : new Uint8Array(64)),
    };
    const tenant = { origin: upstream.origin, signingKeys: [{ ...names, privateKey }] };
    const stack = await started.stack({ clock, proxy: { tenant } });
    for (const user of ["a", "b", "c"]) expect((await stack.get(me, { user })).status).toBe(502);
    isBroken = false;
    expect((await stack.get(me, { user: "d" })).status).toBe(502);
    clock.advance(60_000);
    for (const user of ["a", "b", "c", "d"]) expect((await stack.get(me, { user })).status).toBe(200);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 4, loginsHeldBack: false });
  });
});

test.each([-300_000, 300_000])(
  "a tenant whose clock is %d ms ahead lets nobody in, and throws nobody out (attacks S10)",
  async (ahead) => {
    const stack = await started.stack();
    expect((await stack.get(me)).status).toBe(200);
    stack.tenant.clock.advance(ahead);
    const refused = await Promise.all(["bob", "cid"].map((user) => stack.get(me, { user })));
    expect(refused.map(({ status }) => status)).toEqual([502, 502]);
    expect((await stack.get(me)).json()).toMatchObject({ subject: "ann" });
    expect(stack.tenant.recordings({ path: "/login/jwt-session" })).toHaveLength(3);
    expect(stack.proxy.stats().sessions).toBe(1);
  },
);
