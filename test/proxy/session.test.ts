import { afterEach, describe, expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import {
  credentialIn,
  loginPathOf,
  loginsAt,
  nameAtTenant,
  probesAt,
  stranger,
  valueOf,
} from "../support/tenant-kind.ts";

const stacks: Pick<Stack, "close">[] = [];
async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  stacks.push(stack);
  return stack;
}
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

const logins = ({ tenant }: Stack) => loginsAt(tenant);
const items = "/api/v1/items?limit=2";

describe("login", () => {
  test("fifty first requests at once make one login", async () => {
    const stack = await start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => stack.get(items)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(logins(stack)).toHaveLength(1);
  });

  test("who waited for a login sees it in the timing, the next request does not", async () => {
    const stack = await start();
    const timing = async () => (await stack.get(items)).header("server-timing");
    expect(await timing()).toMatch(/^qlik;dur=\d+, qsp;dur=\d+, login;dur=\d+$/);
    expect(await timing()).toMatch(/^qlik;dur=\d+, qsp;dur=\d+$/);
  });

  test("each user is signed in as that user, on connections of their own", async () => {
    const stack = await start();
    const users = ["ann", "bob", "cid"];
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(users.map((user) => stack.get("/api/v1/users/me", { user })));
      expect(answers.map((answer) => (answer.json() as { subject: string }).subject)).toEqual(
        users.map(nameAtTenant),
      );
    }
    const seen = stack.tenant.recordings({ path: "/api/v1/users/me" });
    const usersByPeer = new Map<string, Set<string | undefined>>();
    for (const { peer, subject } of seen) {
      usersByPeer.set(peer, (usersByPeer.get(peer) ?? new Set()).add(subject));
    }
    expect([...usersByPeer.values()].every((subjects) => subjects.size === 1)).toBe(true);
  });

  test("nobody signed in gets 401 in the tenant's shape, and the tenant hears nothing", async () => {
    const stack = await start();
    const answer = await stack.get(items, { user: null });
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({
      errors: [{ code: "QSP-UNAUTHENTICATED", status: "401" }],
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(stack.tenant.recordings()).toHaveLength(0);
  });

  test("no cookie of the tenant reaches the browser, and the host's own reaches nobody", async () => {
    const stack = await start();
    const answer = await stack.get(items, { headers: { cookie: "host=canary; eas.sid=forged" } });
    expect(answer.status).toBe(200);
    expect(answer.rawHeaders.some((name) => name.toLowerCase() === "set-cookie")).toBe(false);
    const [seen] = stack.tenant.recordings({ path: "/api/v1/items" });
    if (seen === undefined) throw new Error("nothing was sent");
    expect(credentialIn(seen)).not.toBe("");
    expect(seen.headers.filter(([name]) => name.toLowerCase() === "cookie").length).toBeLessThan(2);
    expect(JSON.stringify(seen.headers)).not.toMatch(/canary|forged/);
  });

  test("a refused user gets 403, another user is not held up", async () => {
    const stack = await start();
    await stack.get(items, { user: "ann" });
    stack.tenant.users.setStatus(nameAtTenant("ann"), "disabled");
    stack.tenant.sessions.kill(nameAtTenant("ann"));
    const refused = await stack.get(items, { user: "ann" });
    expect([refused.status, (refused.json() as { errors: { code: string }[] }).errors[0]?.code]).toEqual([
      403,
      "QSP-USER-REFUSED",
    ]);
    expect((await stack.get(items, { user: "bob" })).status).toBe(200);
  });

  test("a tenant that does not take the token is asked no more after three users", async () => {
    const stack = await start({ tenant: stranger });
    for (let index = 0; index < 8; index += 1) {
      const answer = await stack.get(items, { user: `user-${index}` });
      expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("QSP-TENANT-REFUSED")]);
    }
    expect(logins(stack)).toHaveLength(3);
  });

  test("a throttled login is told to the browser with the time to wait, and not repeated", async () => {
    const stack = await start();
    stack.tenant.fault({ kind: "throttle", retryAfter: 13, path: loginPathOf() });
    const answers = await Promise.all([stack.get(items), stack.get(items)]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(answers[0]?.text).toContain("QSP-TENANT-THROTTLED");
    expect(Number(answers[0]?.header("retry-after"))).toBe(13);
    expect((await stack.get(items)).status).toBe(503);
    expect(logins(stack)).toHaveLength(1);
  });

  test("a login that fails at the tenant is tried once more with a new token", async () => {
    const stack = await start();
    stack.tenant.fault({ kind: "status", status: 500, path: loginPathOf(), times: 1 });
    expect((await stack.get(items)).status).toBe(200);
    expect(logins(stack)).toHaveLength(2);
    const tokens = logins(stack).flatMap((each) => valueOf(each, "authorization") ?? []);
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});

describe("renewal", () => {
  test("a session that is lost is renewed and the request repeated, for reading and for writing", async () => {
    const stack = await start({ proxy: { policy: { presets: ["embed", "embed-write"] } } });
    await stack.get(items);
    stack.tenant.sessions.expire();
    expect((await stack.get(items)).status).toBe(200);
    stack.tenant.sessions.expire();
    const written = await stack.get("/api/v1/reports", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type: "sense-image-1.0" }),
    });
    expect(written.status).toBe(202);
    expect(logins(stack)).toHaveLength(3);
  });

  test("twenty requests that meet a lost session make one login", async () => {
    const stack = await start();
    await stack.get(items);
    stack.tenant.sessions.expire();
    const answers = await Promise.all(Array.from({ length: 20 }, () => stack.get(items)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(logins(stack)).toHaveLength(2);
  });

  test("a 401 of one endpoint is its own word: passed on, and the session stays", async () => {
    const stack = await start();
    await stack.get(items);
    stack.tenant.fault({ kind: "status", status: 401, path: "/api/v1/themes" });
    const answers = [await stack.get("/api/v1/themes"), await stack.get("/api/v1/themes")];
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    expect(logins(stack)).toHaveLength(1);
    // Probed once, then remembered.
    expect(probesAt(stack.tenant)).toBe(1);
  });

  test("a tenant that takes no session after a renewal is not asked for login after login", async () => {
    const tenant = await startNamedTenant();
    const stack = await start({ tenantOrigin: tenant.origin });
    stacks.push({ close: () => tenant.close() });
    await stack.get(items);
    tenant.onCall(({ session }) => tenant.lost.add(session));
    const answers = await Promise.all(Array.from({ length: 5 }, () => stack.get(items)));
    expect(answers.every(({ status }) => status === 401)).toBe(true);
    expect((await stack.get(items)).status).toBe(401);
    expect(tenant.logins).toHaveLength(2);
  });

  test("a 403 with another reason reaches the browser as it came", async () => {
    const stack = await start({ proxy: { policy: { presets: ["embed", "embed-write"] } } });
    const body = {
      errors: [{ code: "REP-403", title: "Not yours", status: "403" }],
      traceId: "0".repeat(32),
    };
    stack.tenant.enqueue({ method: "POST", path: "/api/v1/reports", status: 403, body });
    const answer = await stack.get("/api/v1/reports", { method: "POST", body: "{}" });
    expect([answer.status, answer.json()]).toEqual([403, body]);
  });
});

describe("the session's own routes", () => {
  test("GET _session tells of the session and neither makes nor extends one", async () => {
    const stack = await start();
    const before = await stack.get("/_session", { user: "ann;1" });
    expect(before.json()).toEqual({
      authenticated: true,
      active: false,
      subject: "ann",
      name: "ann",
      expiresIn: 0,
      idleIn: 0,
      sockets: 0,
    });
    expect(before.header("cache-control")).toBe("no-store");
    expect(stack.tenant.recordings()).toHaveLength(0);
    await stack.get(items, { user: "ann;1" });
    const after = (await stack.get("/_session", { user: "ann;1" })).json();
    expect(after).toMatchObject({ authenticated: true, active: true, subject: "ann", sockets: 0 });
    const anonymous = await stack.get("/_session", { user: null });
    expect([anonymous.status, anonymous.json()]).toMatchObject([
      200,
      { authenticated: false, active: false },
    ]);
  });

  test("a log-out during a login wins: the fresh tenant session is ended too", async () => {
    const stack = await start();
    stack.tenant.fault({ kind: "delay", ms: 300, path: loginPathOf() });
    const pending = stack.get(items, { user: "ann;1" });
    await expect.poll(() => logins(stack).length).toBe(1);
    await stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: stack.origin } });
    expect((await pending).status).toBe(401);
    await expect.poll(() => stack.tenant.sessions.list().length).toBe(0);
  });

  test("a log-out during a renewal wins", async () => {
    const stack = await start();
    await stack.get(items, { user: "ann;1" });
    stack.tenant.sessions.expire();
    stack.tenant.fault({ kind: "delay", ms: 300, path: loginPathOf() });
    const pending = stack.get(items, { user: "ann;1" });
    await expect.poll(() => logins(stack).length).toBe(2);
    await stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: stack.origin } });
    expect((await pending).status).toBe(401);
    await expect.poll(() => stack.tenant.sessions.list().length).toBe(0);
  });

  test("GET login goes on to where it may, and nowhere else", async () => {
    const stack = await start();
    const location = async (returnto: string, user: string | null = "ann") => {
      const answer = await stack.get(`/login?returnto=${encodeURIComponent(returnto)}`, { user });
      return answer.status === 302 ? answer.header("location") : answer.status;
    };
    expect(await location("/dashboard?x=1#y")).toBe(`${stack.origin}/dashboard?x=1#y`);
    expect(await location(`${stack.origin}/here`)).toBe(`${stack.origin}/here`);
    expect(await location("/dashboard", null)).toBe(401);
    const evil = [
      "//evil.example",
      "/\\evil.example",
      "https:evil.example",
      "\t//evil.example",
      "https://evil.example/",
      "javascript:alert(1)",
      "data:text/html,x",
      `${stack.origin.replace("://", "://user@")}/`,
      `${stack.origin}.evil.example/`,
    ];
    for (const each of evil) expect([each, await location(each)]).toEqual([each, 400]);
  });
});
