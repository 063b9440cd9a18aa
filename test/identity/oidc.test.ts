import { decodeJwt } from "jose";
import { afterEach, beforeAll, afterAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { logOutAtProvider, logoutClaims, orderLogout, signedByProvider } from "../support/logout-tokens.ts";
import { observeProcess } from "../support/observed-process.ts";
import { type OidcBrowser, oidcIdentify, type OidcWorld, startOidcWorld } from "../support/oidc-world.ts";
import { clientSecret, startOpenIdProvider } from "../support/openid-provider.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { NodeStore, SharedMemoryStore } from "../support/shared-memory-store.ts";
import { startStack } from "../support/stack.ts";

const items = "/qlik/api/v1/items?limit=2";
const engine = "/app/engineData";
const secret = "a-secret-of-thirty-two-bytes-or-so";

const open: { close(): Promise<void> }[] = [];
const keep = <Kept extends { close(): Promise<void> }>(kept: Kept): Kept => {
  open.push(kept);
  return kept;
};
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const onwardOf = ({ text }: RawAnswer): string | undefined =>
  /<meta http-equiv="refresh" content="0;url=([^"]+)">/.exec(text)?.[1]?.replaceAll("&amp;", "&");
const codeOf = (answer: RawAnswer) => (answer.json() as { errors: { code: string }[] }).errors[0]?.code;
const codeOfPage = ({ text }: RawAnswer): string | undefined => /<dd>(QSP-[A-Z-]+)<\/dd>/.exec(text)?.[1];
/** What the tenant was told of a user at a login. */
const claimsOf = ({ headers }: { readonly headers: readonly (readonly [string, string])[] }) =>
  decodeJwt(headers.find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "");
const logOutHere = (browser: OidcBrowser, { base, stack }: OidcWorld): Promise<RawAnswer> =>
  browser.open(`${base}/logout`, {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin", origin: stack.origin },
  });
/** And what a busy machine adds. */
const inASecond = async <T>(work: Promise<T>): Promise<T> => {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error("took too long")), 2000).unref(),
  );
  return Promise.race([work, late]);
};

describe("a proxy that signs people in", () => {
  let world: OidcWorld;
  beforeAll(async () => {
    world = await startOidcWorld();
  });
  afterAll(() => world.close());

  test("sends a navigation to the provider, with PKCE, state and nonce, and a fetch nowhere", async () => {
    const browser = world.browser();
    const begun = await browser.open(`${world.base}/login?returnto=/page`);
    expect(begun.status).toBe(302);
    const { origin, searchParams } = new URL(begun.header("location") ?? "");
    expect(origin).toBe(world.provider.issuer);
    expect(searchParams.get("code_challenge_method")).toBe("S256");
    for (const name of ["code_challenge", "state", "nonce"])
      expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    expect(searchParams.get("redirect_uri")).toBe(`${world.base}/_session/callback`);
    const fetched = await browser.fetch("/qlik/login?returnto=/page");
    expect([fetched.status, codeOf(fetched)]).toEqual([401, "QSP-UNAUTHENTICATED"]);
    const framed = await browser.open(`${world.base}/login`, { headers: { "sec-fetch-dest": "iframe" } });
    expect(framed.status).toBe(401);
  });

  test("signs in by a page that leads on, and serves with the provider's word", async () => {
    const ann = world.browser();
    expect((await ann.fetch(items)).status).toBe(401);
    const back = await ann.signIn("ann", "/page?x=1&y=2");
    expect([back.status, back.header("location")]).toEqual([200, undefined]);
    expect(onwardOf(back)).toBe(`${world.stack.origin}/page?x=1&y=2`);
    expect((await ann.fetch(items)).status).toBe(200);
    const status = (await ann.fetch("/qlik/_session")).json() as Record<string, unknown>;
    expect(status).toMatchObject({ authenticated: true, active: true, subject: "ann", name: "Ann" });
    const [login] = world.stack.tenant.recordings({ path: "/login/jwt-session" }).slice(-1);
    expect(login && claimsOf(login)).toMatchObject({
      sub: "ann",
      name: "Ann",
      email: "ann@acme.test",
      groups: ["Sales"],
    });
    // Whoever is signed in goes on at once.
    const again = await ann.open(`${world.base}/login?returnto=/page`);
    expect(again.header("location")).toBe(`${world.stack.origin}/page`);
  });

  test("tells the tenant what the latest token said, whenever the person proved who they are", async () => {
    const { provider, stack } = world;
    const eve = { name: "Eve", email: "eve@acme.test" };
    provider.people.set("eve", { ...eve, groups: ["Sales"] });
    const [first, second] = [world.browser(), world.browser()];
    await first.signIn("eve");
    expect((await first.fetch(items)).status).toBe(200);
    provider.people.set("eve", { ...eve, groups: ["Service"] });
    provider.proofAge = 600;
    await second.signIn("eve");
    provider.proofAge = 0;
    expect((await second.fetch(items)).status).toBe(200);
    const logins = stack.tenant.recordings({ path: "/login/jwt-session" }).map(claimsOf);
    const told = logins.filter(({ sub }) => sub === "eve").map(({ groups }) => groups);
    expect(told).toEqual([["Sales"], ["Service"]]);
  });

  test("sets a cookie of one size for everybody, and keeps it to itself", async () => {
    world.provider.people.set("long", {
      name: "x".repeat(900),
      email: "long@acme.test",
      groups: Array(200).fill("Group of people"),
    });
    const [ann, long] = [world.browser(), world.browser()];
    const answer = await ann.signIn("ann");
    await long.signIn("long");
    const [[name, value] = ["", ""], ...more] = await ann.cookies();
    expect(more).toEqual([]);
    expect([...(await long.cookies()).values()].map(({ length }) => length)).toEqual([value.length]);
    const set = answer.rawHeaders.filter((header) => header.startsWith(`${name}=`));
    expect(set).toEqual([`${name}=${value}; Path=/; HttpOnly; SameSite=Lax`]);
    expect((await long.fetch(items)).status).toBe(200);
    const sent = JSON.stringify(world.stack.tenant.recordings().map(({ headers, url }) => [headers, url]));
    expect(sent).not.toContain(value);
    expect(sent).not.toContain(name);
  });

  test("gives a new id at every sign-in, and ends what the browser had before", async () => {
    const browser = world.browser();
    // In a second tab, while nobody is signed in yet.
    const way = await browser.wayBack("bob");
    await browser.forget(world.provider.issuer);
    await browser.signIn("ann");
    const socket = await browser.socket(engine);
    await socket.message();
    const name = "qsp-qlik";
    const value = (await browser.cookies()).get(name) ?? "";
    await browser.open(way);
    expect((await browser.cookies()).get(name)).not.toBe(value);
    expect((await inASecond(socket.closed)).code).toBe(4203);
    expect((await browser.fetch("/qlik/_session")).json()).toMatchObject({ subject: "bob" });
    const stale = await browser.fetch(items, { headers: { cookie: `${name}=${value}` } });
    expect(stale.status).toBe(401);
    expect(stale.header("set-cookie")?.toString()).toContain(`${name}=; Path=/`);
  });

  test("logs out here and at the provider", async () => {
    const browser = world.browser();
    await browser.signIn("ann");
    const stale = Object.fromEntries(await browser.cookies());
    const socket = await browser.socket(engine);
    await socket.message();
    const page = await logOutHere(browser, world);
    expect((await inASecond(socket.closed)).code).toBe(4203);
    expect(page.status).toBe(200);
    const to = new URL(onwardOf(page) ?? "");
    expect(to.origin + to.pathname).toBe(`${world.provider.issuer}/session/end`);
    expect(to.searchParams.get("id_token_hint")).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(await browser.cookies()).toEqual(new Map());
    const cookie = Object.entries(stale)
      .map((pair) => pair.join("="))
      .join("; ");
    expect((await browser.fetch(items, { headers: { cookie } })).status).toBe(401);
    // The sign-in itself is over, not only the session that was made of it.
    expect((await browser.fetch("/qlik/_session", { headers: { cookie } })).json()).toMatchObject({
      authenticated: false,
    });
    expect((await browser.open(to.href)).status).toBe(200);
  });

  test("logs out without a page, and takes its cookie with it", async () => {
    const browser = world.browser();
    await browser.signIn("ann");
    const answer = await browser.fetch("/qlik/_session", {
      method: "DELETE",
      headers: { origin: world.stack.origin },
    });
    expect(answer.status).toBe(204);
    expect(await browser.cookies()).toEqual(new Map());
    expect((await browser.fetch(items)).status).toBe(401);
  });

  test("asks for a new proof after a revocation, and lets in with that", async () => {
    const browser = world.browser();
    await browser.signIn("ann");
    expect((await browser.fetch(items)).status).toBe(200);
    await world.stack.proxy.revoke({ subject: "ann" });
    expect((await browser.fetch(items)).status).toBe(401);
    const begun = await browser.open(`${world.base}/login`);
    expect(new URL(begun.header("location") ?? "").searchParams.get("prompt")).toBe("login");
    // Without the cookie that could show it: the provider knows ann from before, which is not enough.
    await browser.forget(world.stack.origin);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    // Whoever takes out of the address that the provider is to ask, and to say when it did, gains nothing.
    const silent = (address: string): string => {
      const url = new URL(address);
      for (const name of ["max_age", "prompt"]) url.searchParams.delete(name);
      return url.href;
    };
    const quiet = await browser.open(`${world.base}/login`);
    const way = await browser.atProvider(silent(quiet.header("location") ?? ""), "nobody");
    const anew = onwardOf(await browser.open(way)) ?? "";
    expect(new URL(anew).searchParams.get("prompt")).toBe("login");
    const seen = observeProcess();
    const refused = await browser.open(await browser.atProvider(silent(anew), "nobody"));
    seen.stop();
    expect([refused.status, codeOfPage(refused)]).toEqual([401, "QSP-UNAUTHENTICATED"]);
    expect(seen.events.filter((event) => event.includes("identity.refused"))[0]).toContain("(auth_time)");
    expect((await browser.fetch(items)).status).toBe(401);
    const again = onwardOf(await browser.signIn("ann", "/page")) ?? "";
    expect(again.startsWith(world.provider.issuer)).toBe(true);
    expect(new URL(again).searchParams.get("prompt")).toBe("login");
    expect((await browser.fetch(items)).status).toBe(401);
    const back = await browser.open(await browser.atProvider(again, "ann"));
    expect(onwardOf(back)).toBe(`${world.stack.origin}/page`);
    expect((await browser.fetch(items)).status).toBe(200);
  });

  test("tells of who comes and goes, and shows no secret", async () => {
    const seen = observeProcess();
    const browser = world.browser();
    const way = new URL(await browser.wayBack("ann"));
    const [pending = ""] = (await browser.cookies()).values();
    const page = await browser.open(way.href);
    const cookie = (await browser.cookies()).get("qsp-qlik") ?? "";
    await browser.fetch(items);
    const hint =
      new URL(onwardOf(await logOutHere(browser, world)) ?? "").searchParams.get("id_token_hint") ?? "";
    seen.stop();
    const told = seen.events.map((event) => JSON.parse(event) as { event: string; subjectHash?: string });
    const [signedIn] = told.filter(({ event }) => event === "identity.signedIn");
    expect(signedIn?.subjectHash).toMatch(/^[0-9a-f]{16}$/);
    const [code = "", state = ""] = ["code", "state"].map((name) => way.searchParams.get(name) ?? "");
    for (const secret of [code, state, pending, cookie, hint, clientSecret]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(seen.events.join()).not.toContain(secret);
      expect(page.text).not.toContain(secret);
    }
  });

  test("refuses claims that make no identity, and says why in the log only", async () => {
    const seen = observeProcess();
    world.provider.people.set("odd", { name: "Odd", groups: "canary-group" });
    const answer = await world.browser().signIn("odd");
    seen.stop();
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("QSP-IDENTITY");
    expect(answer.rawHeaders.join()).not.toMatch(/set-cookie/i);
    expect(seen.events.filter((event) => event.includes("identity.refused"))[0]).toContain(
      '\\"groups\\" is not',
    );
    expect(seen.events.join() + answer.text).not.toContain("canary-group");
  });
});

describe("a log-out that the provider orders", () => {
  test("ends that session's logins on every node, sockets within a second, and nobody else's", async () => {
    const core = new SharedMemoryStore(systemClock);
    const world = keep(await startOidcWorld({ store: new NodeStore(core), secret }));
    const other = await world.addNode({ store: new NodeStore(core), secret });
    const [ann, elsewhere, bob] = [world.browser(), world.browser(), world.browser()];
    await ann.signIn("ann");
    await elsewhere.signIn("ann");
    await bob.signIn("bob");
    const [here, there, kept] = [
      await ann.socket(engine),
      await ann.socket(engine, other),
      await bob.socket(engine, other),
    ];
    await Promise.all([here.message(), there.message(), kept.message()]);
    expect((await elsewhere.fetch(items, { at: other })).status).toBe(200);
    await logOutAtProvider(ann, world.provider);
    expect(await inASecond(Promise.all([here.closed, there.closed]))).toMatchObject([
      { code: 4203 },
      { code: 4203 },
    ]);
    expect(world.provider.backChannel).toEqual([200]);
    for (const at of [world.stack, other]) {
      await expect
        .poll(async () => (await ann.fetch("/qlik/_session", { at })).json())
        .toMatchObject({ authenticated: false });
      expect((await ann.fetch(items, { at })).status).toBe(401);
      expect((await elsewhere.fetch(items, { at })).status).toBe(200);
    }
    expect(kept.ws.readyState).toBe(kept.ws.OPEN);
    // Without a session it means everything of the person.
    const token = await signedByProvider(world.provider, logoutClaims(world.provider, { sub: "ann" }));
    expect((await orderLogout(world, token)).status).toBe(200);
    expect((await elsewhere.fetch(items, { at: other })).status).toBe(401);
    expect((await bob.fetch(items, { at: other })).status).toBe(200);
  });

  test("counts once it is carried out: where the store failed, the provider's repetition does", async () => {
    const core = new SharedMemoryStore(systemClock);
    const store = new NodeStore(core);
    const world = keep(await startOidcWorld({ store, secret, timeouts: { store: 5000 } }));
    const [ann, elsewhere] = [world.browser(), world.browser()];
    await ann.signIn("ann");
    await elsewhere.signIn("ann");
    const sockets = [await ann.socket(engine), await elsewhere.socket(engine)];
    await Promise.all(sockets.map((socket) => socket.message()));
    const logins = [...core.dump().keys()].filter((name) => name.startsWith("l."));
    expect(logins).toHaveLength(2);
    const token = await signedByProvider(world.provider, logoutClaims(world.provider, { sub: "ann" }));
    // Before anything is done, then in the midst of it.
    for (const name of ["o.", logins[0] ?? ""]) {
      store.refusesWrites = name;
      expect((await orderLogout(world, token)).status).toBe(503);
    }
    // What could be ended is, and what was opened of the other one too.
    expect(await inASecond(Promise.all(sockets.map(({ closed }) => closed)))).toMatchObject([
      { code: 4203 },
      { code: 4203 },
    ]);
    store.refusesWrites = null;
    expect((await orderLogout(world, token)).status).toBe(200);
    for (const browser of [ann, elsewhere])
      expect((await browser.fetch("/qlik/_session")).json()).toMatchObject({ authenticated: false });
    expect((await orderLogout(world, token)).status).toBe(400);
  });

  test("stops a sign-in that is on its way", async () => {
    const world = keep(await startOidcWorld());
    const ann = world.browser();
    await ann.signIn("ann");
    const hint =
      new URL(onwardOf(await logOutHere(ann, world)) ?? "").searchParams.get("id_token_hint") ?? "";
    const { sid } = decodeJwt(hint);
    const way = await ann.wayBack("ann");
    // From the provider's future, so that the token of the sign-in is older whichever second it is issued in.
    const claims = logoutClaims(world.provider, { sid, iat: Math.floor(Date.now() / 1000) + 30 });
    expect((await orderLogout(world, await signedByProvider(world.provider, claims))).status).toBe(200);
    const refused = await ann.open(way);
    expect([refused.status, codeOfPage(refused)]).toEqual([401, "QSP-UNAUTHENTICATED"]);
    expect((await ann.fetch(items)).status).toBe(401);
  });
});

describe("when something is away", () => {
  test("a provider that is down at the start is found later; until then signing in answers 503", async () => {
    const seen = observeProcess();
    const provider = keep(await startOpenIdProvider());
    provider.isDown = true;
    const stack = keep(
      await startStack({ proxy: { identify: oidcIdentify(provider.issuer), identityHeaders: [] } }),
    );
    provider.serve(`${stack.origin}/qlik`);
    const login = (mode: string) =>
      stack.get("/login", { user: null, headers: { "sec-fetch-mode": mode, "sec-fetch-dest": "document" } });
    const refused = await login("navigate");
    expect([refused.status, refused.header("retry-after")]).toEqual([503, "1"]);
    expect(refused.text).toContain("QSP-IDENTITY");
    expect((await stack.get("/api/v1/items", { user: null })).status).toBe(401);
    provider.isDown = false;
    await expect.poll(async () => (await login("navigate")).status, { timeout: 5000 }).toBe(302);
    seen.stop();
    const told = seen.events.map((event) => (JSON.parse(event) as { event: string }).event);
    expect(told.filter((event) => event.startsWith("identity."))).toEqual([
      "identity.lost",
      "identity.recovered",
    ]);
  });

  test("the signed-in are served while the store is away, and nobody is believed who is not known", async () => {
    const store = new NodeStore(new SharedMemoryStore(systemClock));
    const world = keep(await startOidcWorld({ store, secret, timeouts: { store: 100 } }));
    const [ann, bob] = [world.browser(), world.browser()];
    await ann.signIn("ann");
    expect((await ann.fetch(items)).status).toBe(200);
    const way = await bob.wayBack("bob");
    store.isDown = true;
    // Longer than a login is believed without asking.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await ann.fetch(items)).status).toBe(200);
    const refused = await bob.open(way);
    expect([refused.status, refused.header("set-cookie")]).toEqual([503, undefined]);
    store.isDown = false;
    await expect.poll(async () => (await bob.signIn("bob")).status, { timeout: 5000 }).toBe(200);
  });

  test("an older secret opens cookies until it is taken out", async () => {
    const core = new SharedMemoryStore(systemClock);
    const newer = "another-secret-of-thirty-two-bytes!";
    const world = keep(await startOidcWorld({ store: new NodeStore(core), secret }));
    const rotated = await world.addNode({ store: new NodeStore(core), secret: [newer, secret] });
    const ann = world.browser();
    await ann.signIn("ann");
    expect((await ann.fetch("/qlik/_session", { at: rotated })).json()).toMatchObject({ subject: "ann" });
    const stranger = await world.addNode({ secret: newer });
    const answer = await ann.fetch(items, { at: stranger });
    expect(answer.status).toBe(401);
    expect(await ann.cookies()).toEqual(new Map());
  });
});
