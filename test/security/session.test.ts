import { Agent } from "node:http";
import { describe, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { createTrustedHeaderIdentify } from "../../src/identity/trusted-header.ts";
import { createServerLog } from "../../src/server/log.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant, type NamedTenant } from "../support/named-tenant.ts";
import { observeProcess } from "../support/observed-process.ts";
import type { Stack, StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

/* Whose session a request gets: never one that the browser names, always one of whom the host names for it. */

const started = cleanedUp();
const path = "/api/v1/items/1";

/** Answers name the session that they were asked with: `ann~1`. */
async function startNamed(options: StackOptions = {}): Promise<{ tenant: NamedTenant; stack: Stack }> {
  const tenant = started.keep(await startNamedTenant());
  return { tenant, stack: await started.stack({ tenantOrigin: tenant.origin, ...options }) };
}

describe("a session that an attacker prepared (attacks S1)", () => {
  test("is not taken, though the tenant knows it: before, at and after the user's first request", async () => {
    const { tenant, stack } = await startNamed();
    expect((await stack.get(path, { user: "mallory" })).text).toBe("mallory~1");
    const planted = { cookie: "eas.sid=mallory~1; eas.sid.sig=x; _csrfToken=t; _session=mallory~1" };
    expect((await stack.get(path, { user: null, headers: planted })).status).toBe(401);
    for (const wanted of ["ann~2", "ann~2"]) {
      expect((await stack.get(path, { headers: planted })).text).toBe(wanted);
    }
    const socket = stack.socket("/app/x", { headers: planted });
    await new Promise((resolve) => socket.ws.once("open", resolve));
    socket.ws.terminate();
    await socket.closed;
    expect((await stack.get(path, { user: null, headers: planted })).status).toBe(401);
    expect(tenant.logins.map(({ subject }) => subject)).toEqual(["mallory", "ann"]);
  });

  test("is another one after every change of user, in both directions", async () => {
    const { stack } = await startNamed();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    started.keep({ close: () => agent.destroy() });
    const sessions: string[] = [];
    for (const user of ["mallory", "ann", "mallory", "ann", "bob"]) {
      sessions.push((await stack.get(path, { user, agent })).text);
    }
    expect(sessions).toEqual(["mallory~1", "ann~2", "mallory~1", "ann~2", "bob~3"]);
  });

  test("is another one after a change of rights, and its sockets are moved", async () => {
    const clock = createManualClock();
    let groups = ["finance"];
    const { stack } = await startNamed({ clock, proxy: { identify: () => ({ subject: "ann", groups }) } });
    const socket = stack.socket("/app/x");
    await new Promise((resolve) => socket.ws.once("open", resolve));
    expect((await stack.get(path)).text).toBe("ann~1");
    clock.advance(31_000);
    groups = [];
    await expect.poll(async () => (await stack.get(path)).text).toBe("ann~2");
    expect((await socket.closed).code).toBe(4003);
  });
});

describe("an identity that was tampered with (attacks S2)", () => {
  const identify = createTrustedHeaderIdentify({
    from: ["127.0.0.1/32"],
    subject: "X-User-Sub",
    groups: "X-User-Groups",
    sessionId: "X-User-Session",
  });

  test.each<[string, Record<string, string | readonly string[]>]>([
    ["named twice", { "x-user-sub": ["ann", "bob"] }],
    ["named twice, the same", { "x-user-sub": ["ann", "ann"] }],
    ["empty", { "x-user-sub": "" }],
    ["cut in the middle of a character", { "x-user-sub": "zo\u00c3" }],
    ["oversized", { "x-user-sub": "a".repeat(257) }],
    ["under an alias", { x_user_sub: "ann" }],
    ["with two host sessions", { "x-user-sub": "ann", "x-user-session": ["1", "2"] }],
    ["only a cookie", { cookie: "x-user-sub=ann; eas.sid=ann" }],
    ["two cookies of one name", { cookie: ["eas.sid=a; Path=/", "eas.sid=b; Path=/qlik"] }],
    ["a cookie without end", { cookie: `eas.sid=${"a".repeat(12_000)}` }],
    ["a cookie of odd bytes", { cookie: 'eas.sid="\u00ff;;=; =;' }],
  ])("%s is nobody's, without an exception, and sets nothing", async (_name, headers) => {
    const observed = observeProcess();
    started.keep({ close: () => observed.stop() });
    const { tenant, stack } = await startNamed({ proxy: { identify } });
    const answer = await stack.get(path, { user: null, headers });
    expect([answer.status, answer.header("set-cookie")]).toEqual([401, undefined]);
    expect(answer.text).toContain("QSP-UNAUTHENTICATED");
    expect([tenant.seen, tenant.logins, observed.uncaught]).toEqual([[], [], []]);
    expect((await stack.get(path, { user: null, headers: { "x-user-sub": "ann" } })).text).toBe("ann~1");
  });
});

describe("one browser, another user (attacks S3)", () => {
  test("under the same host session, the session of the one before is not reached", async () => {
    const { tenant, stack } = await startNamed();
    // An administrator who looks at the app as somebody else, and back.
    const sessions: string[] = [];
    for (const user of ["ann;host-1", "bob;host-1", "ann;host-1"]) {
      sessions.push((await stack.get(path, { user })).text);
    }
    expect(sessions).toEqual(["ann~1", "bob~2", "ann~1"]);
    // The one whose host session ends is ended at the tenant, and the other one is not.
    await stack.get("/_session", { method: "DELETE", user: "bob;host-1", headers: { origin: stack.origin } });
    expect([tenant.lost.has("bob~2"), tenant.lost.has("ann~1")]).toEqual([true, false]);
  });

  test("the host is asked at every request and every upgrade, and its last word counts", async () => {
    let asked = 0;
    let user: Identity | null = { subject: "ann" };
    const identify = (): Identity | null => {
      asked += 1;
      return user;
    };
    const { stack } = await startNamed({ proxy: { identify } });
    expect((await stack.get(path)).text).toBe("ann~1");
    const before = asked;
    user = { subject: "bob" };
    expect((await stack.get(path)).text).toBe("bob~2");
    user = null;
    expect((await stack.get(path)).status).toBe(401);
    expect((await stack.socket("/app/x").refused).status).toBe(401);
    // Once for each, and once more before bob's login.
    expect(asked - before).toBe(4);
  });
});

describe("a user whom the host does not name any more (attacks S12)", () => {
  test("is refused at the next request and the next upgrade", async () => {
    let isKnown = true;
    const { tenant, stack } = await startNamed({
      proxy: { identify: () => (isKnown ? { subject: "ann" } : null) },
    });
    expect((await stack.get(path)).text).toBe("ann~1");
    const heard = tenant.seen.length;
    isKnown = false;
    expect((await stack.get(path)).status).toBe(401);
    expect((await stack.socket("/app/x").refused).status).toBe(401);
    expect((await stack.get("/_session")).json()).toMatchObject({ authenticated: false, active: false });
    expect(tenant.seen.slice(heard)).toEqual([]);
  });
});

test("no id of a session is in an answer, an address, an event or a line of the log (attacks S13)", async () => {
  const observed = observeProcess();
  let lines = "";
  const log = createServerLog({ write: (line) => void (lines += line) });
  started.keep({
    close: () => {
      observed.stop();
      log.close();
    },
  });
  const { tenant, stack } = await startNamed();
  const addresses: string[] = [];
  tenant.onCall(({ url, request }) => {
    addresses.push(url, request.headers.referer ?? "");
    return true;
  });
  const user = "ann;host-canary";
  const shown: string[] = [];
  const referer = `${stack.origin}/page?sid=referer-canary`;
  const visits = ["/api/v1/themes", "/_session", "/login", "/logout", "/api/v1/users", "/resources/a.js"];
  for (const each of visits) {
    const answer = await stack.get(each, { user, headers: { referer } });
    // The answers of this tenant name its session, in the body alone; a real one's do not.
    shown.push(...answer.rawHeaders, answer.text === "ann~1" ? "" : answer.text);
  }
  const [listed] = await stack.proxy.sessions.list("ann");
  tenant.lost.add("ann~1");
  await stack.get(path, { user });
  await stack.proxy.revoke({ subject: "ann" });
  shown.push((await stack.get(path, { user })).text);
  await expect.poll(() => lines).toMatch(/session\.created[^]*session\.renewed[^]*session\.ended/);
  const key = listed?.key ?? "there is no key";
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  for (const text of [...shown, ...addresses, ...observed.events, lines]) {
    expect(text).not.toMatch(/host-canary|referer-canary|ann~\d|raw-token/);
    expect(text.includes(key)).toBe(false);
  }
  expect(lines).not.toContain('"ann"');
});
