import { UnsecuredJWT, SignJWT, generateKeyPair, importJWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  logoutClaims,
  logoutEvent,
  orderLogout,
  sendOrder,
  signedByProvider,
} from "../support/logout-tokens.ts";
import { type OidcBrowser, type OidcWorld, startOidcWorld } from "../support/oidc-world.ts";
import { clientSecret } from "../support/openid-provider.ts";
import type { RawAnswer } from "../support/raw-client.ts";

const items = "/qlik/api/v1/items?limit=2";
const loginName = "qsp-qlik";

let world: OidcWorld;
beforeAll(async () => {
  world = await startOidcWorld();
});
afterAll(() => world.close());

/** The way back with other parameters; undefined takes one out. */
function changed(way: string, changes: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(way);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

const tokenCalls = (): number => world.provider.calls.filter((call) => call === "POST /token").length;

/** Not signed in, and told nothing that could be used. */
async function expectRefused(browser: OidcBrowser, answer: RawAnswer): Promise<void> {
  expect(answer.status).toBe(401);
  expect(answer.text).toContain("QSP-UNAUTHENTICATED");
  expect((await browser.cookies()).has(loginName)).toBe(false);
  expect((await browser.fetch(items)).status).toBe(401);
}

describe("the way back from the provider", () => {
  test("is for the browser that began it: with another one's it signs nobody in (C8)", async () => {
    const [attacker, victim] = [world.browser(), world.browser()];
    const way = await attacker.wayBack("bob");
    const before = tokenCalls();
    await expectRefused(victim, await victim.open(way));
    // Nor with a sign-in of the victim's own under way.
    await victim.wayBack("ann");
    await expectRefused(victim, await victim.open(way));
    expect(tokenCalls()).toBe(before);
  });

  test("takes no code of another sign-in (C8)", async () => {
    const [attacker, victim] = [world.browser(), world.browser()];
    const code = new URL(await attacker.wayBack("bob")).searchParams.get("code") ?? "";
    const way = await victim.wayBack("ann");
    await expectRefused(victim, await victim.open(changed(way, { code })));
  });

  test("is gone once (S1)", async () => {
    const ann = world.browser();
    const way = await ann.wayBack("ann");
    const cookies = await ann.jar.getCookieString(world.stack.origin);
    expect((await ann.open(way)).status).toBe(200);
    const before = tokenCalls();
    const thief = world.browser();
    await expectRefused(thief, await thief.open(way, { headers: { cookie: cookies } }));
    expect(tokenCalls()).toBe(before);
  });

  test.each<[string, Readonly<Record<string, string | undefined>>]>([
    ["another issuer", { iss: "https://evil.example" }],
    ["no issuer, from a provider that names it", { iss: undefined }],
    ["another state", { state: "A".repeat(43) }],
    ["no state", { state: undefined }],
    ["no code", { code: undefined }],
    ["a refusal", { code: undefined, error: "access_denied" }],
    ["a token of the front channel", { id_token: "a.b.c" }],
  ])("with %s signs nobody in (R1)", async (_, changes) => {
    const browser = world.browser();
    const way = await browser.wayBack("ann");
    await expectRefused(browser, await browser.open(changed(way, changes)));
  });

  test.each(["state", "code", "iss"])("with its %s twice signs nobody in (R1)", async (name) => {
    const browser = world.browser();
    const way = await browser.wayBack("ann");
    const value = new URL(way).searchParams.get(name) ?? "";
    await expectRefused(browser, await browser.open(`${way}&${name}=${encodeURIComponent(value)}`));
  });

  test("shows nothing of what came with it (R2)", async () => {
    const browser = world.browser();
    const way = await browser.wayBack("ann");
    const answer = await browser.open(changed(way, { code: undefined, error: "<script>x</script>" }));
    expect(answer.text).not.toContain("script");
  });

  test("is asked for with GET only, and orders with POST only (P8)", async () => {
    for (const [method, path] of [
      ["POST", "/_session/callback"],
      ["HEAD", "/_session/callback"],
      ["GET", "/_session/backchannel-logout"],
      ["DELETE", "/_session/backchannel-logout"],
    ] as const) {
      const answer = await world.stack.get(path, {
        method,
        user: null,
        headers: { origin: world.stack.origin },
      });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
  });
});

describe("returnto", () => {
  test.each([
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "\t//evil.example",
    "https://portal.localhost@evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    `/${"x".repeat(1000)}`,
  ])("%j leads nowhere, and begins no sign-in (R1)", async (wanted) => {
    const browser = world.browser();
    const answer = await browser.open(`${world.base}/login?returnto=${encodeURIComponent(wanted)}`);
    expect([answer.status, answer.header("location")]).toEqual([400, undefined]);
    expect(await browser.cookies()).toEqual(new Map());
  });

  test("with marks of HTML is a link on the page and nothing else (R2)", async () => {
    const answer = await world.browser().signIn("ann", `/a?"><script>x</script>&'`);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toMatch(/<script|\?"|&'/);
  });
});

describe("the cookies of signing in", () => {
  test.each<[string, (value: string) => string]>([
    ["another secret's", () => `q1.${"0".repeat(12)}.${"A".repeat(120)}`],
    ["a tampered one", (value) => value.slice(0, -2) + (value.endsWith("AA") ? "BB" : "AA")],
    ["half of one", (value) => value.slice(0, value.length / 2)],
    ["an overlong one", (value) => value + "A".repeat(8000)],
    ["an empty one", () => ""],
    ["one that comes twice", (value) => `${value}; ${loginName}=${value}`],
    ["one after another's of the same name", (value) => `x; ${loginName}=${value}`],
  ])("%s signs nobody in, and is taken away (S2)", async (_, change) => {
    const browser = world.browser();
    await browser.signIn("ann");
    const value = (await browser.cookies()).get(loginName) ?? "";
    const stranger = world.browser();
    const answer = await stranger.fetch(items, { headers: { cookie: `${loginName}=${change(value)}` } });
    expect(answer.status).toBe(401);
    expect(answer.header("set-cookie")?.toString()).toBe(
      `${loginName}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`,
    );
    expect((await browser.fetch(items)).status).toBe(200);
  });

  test("of a sign-in under way is none of somebody who is signed in (S1)", async () => {
    const browser = world.browser();
    await browser.wayBack("ann");
    const [pending = ""] = (await browser.cookies()).values();
    const answer = await browser.fetch(items, { headers: { cookie: `${loginName}=${pending}` } });
    expect(answer.status).toBe(401);
  });

  test("are few, however many sign-ins are begun at one browser (D3)", async () => {
    const browser = world.browser();
    for (let times = 0; times < 6; times += 1) await browser.open(`${world.base}/login?returnto=/${times}`);
    expect((await browser.cookies()).size).toBe(3);
    // The newest are those that can be finished.
    expect((await browser.signIn("ann")).status).toBe(200);
  });

  test("of anybody who asks make no entry in the store, and no session (D3)", async () => {
    const before = world.stack.proxy.stats().sessions;
    const logins = world.stack.tenant.recordings({ path: "/login/jwt-session" }).length;
    for (let times = 0; times < 20; times += 1) await world.browser().open(`${world.base}/login`);
    expect(world.stack.proxy.stats().sessions).toBe(before);
    expect(world.stack.tenant.recordings({ path: "/login/jwt-session" })).toHaveLength(logins);
  });

  test("are of no use to a page elsewhere that logs out by a link (C7)", async () => {
    const browser = world.browser();
    await browser.signIn("ann");
    const answer = await browser.open(`${world.base}/logout`, {
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect([answer.status, answer.header("set-cookie")]).toEqual([200, undefined]);
    expect((await browser.fetch(items)).status).toBe(200);
  });
});

describe("a forged order to log out", () => {
  let ann: OidcBrowser;
  beforeAll(async () => {
    ann = world.browser();
    await ann.signIn("ann");
  });
  const now = Math.floor(Date.now() / 1000);

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ["of another issuer", { iss: "https://evil.example" }],
    ["without issuer", { iss: undefined }],
    ["for another client", { aud: "somebody-else" }],
    ["for nobody", { aud: undefined }],
    ["without the event", { events: undefined }],
    ["with another event", { events: { "http://example.com/event": {} } }],
    ["with an event that is a text", { events: { [logoutEvent]: "yes" } }],
    ["with a nonce", { nonce: "a" }],
    ["without a time", { iat: undefined }],
    ["of an hour ago", { iat: now - 3600, exp: now + 3600 }],
    ["that has expired", { iat: now - 200, exp: now - 1000 }],
    ["of the future", { iat: now + 3600, exp: now + 7200 }],
    ["without an id", { jti: undefined }],
    ["with an id that is a number", { jti: 7 }],
    ["without a session or a person", { sub: undefined }],
    ["with a session that is a list", { sid: ["a"] }],
    ["with an empty person", { sub: "" }],
  ])("%s ends nothing (S8)", async (_, changes) => {
    const claims = logoutClaims(world.provider, { sub: "ann", ...changes });
    const answer = await orderLogout(world, await signedByProvider(world.provider, claims));
    expect([answer.status, answer.json()]).toEqual([400, { error: "invalid_request" }]);
    expect((await ann.fetch(items)).status).toBe(200);
  });

  test("that is signed by nobody, by others, with our own secret or as something else ends nothing (S8)", async () => {
    const claims = logoutClaims(world.provider, { sub: "ann" });
    const foreign = (await generateKeyPair("RS256")).privateKey;
    const own = await importJWK(world.provider.signingKey, "RS256");
    const sealed = (
      header: { alg: string; kid?: string; typ?: string },
      key: Parameters<SignJWT["sign"]>[0],
    ) => new SignJWT(claims).setProtectedHeader(header).sign(key);
    const tokens = [
      new UnsecuredJWT(claims).encode(),
      await sealed({ alg: "RS256", kid: "idp-1" }, foreign),
      await sealed({ alg: "RS256", kid: "another" }, foreign),
      await sealed({ alg: "HS256", kid: "idp-1" }, new TextEncoder().encode(clientSecret.padEnd(32, "x"))),
      await sealed({ alg: "RS256", kid: "idp-1", typ: "at+jwt" }, own),
      "not.a.token",
      "x",
      "",
    ];
    for (const token of tokens) expect((await orderLogout(world, token)).status).toBe(400);
    expect((await ann.fetch(items)).status).toBe(200);
  });

  test("in another form, twice, or overlong ends nothing (D1)", async () => {
    const token = await signedByProvider(world.provider, logoutClaims(world.provider, { sub: "ann" }));
    const form = `logout_token=${token}`;
    expect((await sendOrder(world, form, "text/plain")).status).toBe(400);
    expect((await sendOrder(world, JSON.stringify({ logout_token: token }), "application/json")).status).toBe(
      400,
    );
    expect((await sendOrder(world, `${form}&${form}`)).status).toBe(400);
    expect((await sendOrder(world, `${form}&x=${"x".repeat(20_000)}`)).status).toBe(413);
    expect((await ann.fetch(items)).status).toBe(200);
  });

  test("that was used before ends nothing more (S8)", async () => {
    const bob = world.browser();
    await bob.signIn("bob");
    const token = await signedByProvider(
      world.provider,
      logoutClaims(world.provider, { sub: "nobody", sid: "s" }),
    );
    expect((await orderLogout(world, token)).status).toBe(200);
    expect((await orderLogout(world, token)).status).toBe(400);
    expect((await bob.fetch(items)).status).toBe(200);
  });
});
