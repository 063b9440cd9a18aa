/*
 * The faults of the vendor's reference example (facts §12), one test for each: here start-up, login and sessions; in
 * reference-example-http what goes over HTTP, in reference-example-socket what goes over WebSockets, in
 * reference-example-secrets what must be seen nowhere.
 *
 * Rows without a test, because the thing at fault is not part of this proxy:
 * - index.js 103-113 and 164: the authorization request and the id token of its own OpenID Connect login; who the user
 *   is, is here the host application's word.
 * - index.js 148 and 169: its calls to that identity provider; those to the tenant are tested.
 * - package.json: its dependencies and missing tests.
 */
import { afterEach, expect, test } from "vitest";
import { createSessionProxy, type SessionProxyOptions } from "../../src/index.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { observeProcess, type ObservedProcess } from "../support/observed-process.ts";
import { sendBytes } from "../support/raw-client.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { startStack, testKey, type Stack, type StackOptions } from "../support/stack.ts";

const open: { close(): Promise<void> }[] = [];
async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  open.push(stack);
  return stack;
}
function observe(): ObservedProcess {
  const observed = observeProcess();
  open.push({ close: async () => observed.stop() });
  return observed;
}
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const loginPath = "/login/jwt-session";
const logins = ({ tenant }: Stack) => tenant.recordings({ method: "POST", path: loginPath });
const items = "/api/v1/items?limit=2";
const minutes = 60_000;

/** What the tenant was told of the user with the latest login. */
function lastClaims(stack: Stack): Record<string, unknown> {
  const token = logins(stack)
    .at(-1)
    ?.headers.find(([name]) => name.toLowerCase() === "authorization")?.[1];
  const [, payload = ""] = (token ?? "").replace("Bearer ", "").split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Record<string, unknown>;
}

test("a wrong configuration is refused at the start with every problem in it, instead of a TypeError later (facts §12)", () => {
  const wrong = {
    tenant: { origin: "acme.eu.qlikcloud.com", signingKeys: [{ ...testKey, privateKey: "not a key" }] },
    identify: undefined,
    publicOrigin: "https://portal.example.com/",
    sesion: {},
    session: { idleTimeout: "soon" },
  };
  let message = "";
  try {
    createSessionProxy(wrong as unknown as SessionProxyOptions);
  } catch (error) {
    message = String(error);
  }
  for (const path of [
    "tenant.origin",
    "tenant.signingKeys[0].privateKey",
    "identify",
    "publicOrigin",
    "sesion",
    "session.idleTimeout",
  ])
    expect(message).toContain(`${path}: `);
  expect(message).not.toContain("TypeError");
});

test("anonymous requests, logins included, leave nothing in memory and reach no tenant (facts §12)", async () => {
  const stack = await start();
  const paths = [
    items,
    "/login",
    "/login?returnto=%2F",
    "/_session",
    "/login/callback?state=x",
    "/api/v1/users/me",
  ];
  for (let round = 0; round < 20; round += 1)
    await Promise.all(paths.map((path) => stack.get(path, { user: null })));
  expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
  expect(stack.tenant.recordings()).toHaveLength(0);
});

test("no address is built in: a user is sent back to where the app says it lives (facts §12)", async () => {
  const configured = await start();
  const home = (answer: { header(name: string): string | undefined }) => answer.header("location");
  expect(home(await configured.get("/login"))).toBe(`${configured.origin}/`);
  const requested = await start({ proxy: { publicOrigin: undefined as unknown as string } });
  const { host } = new URL(requested.origin);
  expect(home(await requested.get("/login", { headers: { host: host.replace("portal", "other") } }))).toBe(
    `http://${host.replace("portal", "other")}/`,
  );
});

test("there is no cookie of ours that a script or a plain connection could give away (facts §12)", async () => {
  const stack = await start();
  const answers = [];
  for (const path of [items, "/login", "/logout", "/_session", "/qlik-embed/main.js"])
    answers.push(await stack.get(path), await stack.get(path, { user: null }));
  expect(answers.some(({ status }) => status === 200)).toBe(true);
  for (const { rawHeaders } of answers)
    expect(rawHeaders.map((name) => name.toLowerCase())).not.toContain("set-cookie");
});

test("a user at work is not thrown out after ten minutes, nor after ten hours (facts §12)", async () => {
  const clock = createManualClock();
  const stack = await start({ clock, proxy: { session: { maxLifetime: 24 * 60 * minutes } } });
  for (let passed = 0; passed <= 10 * 60; passed += 15) {
    expect((await stack.get(items)).status).toBe(200);
    clock.advance(15 * minutes);
  }
  expect(logins(stack)).toHaveLength(1);
});

test("a session id that an attacker planted is worth nothing before, at and after the login (facts §12)", async () => {
  const stack = await start();
  const planted = { cookie: "connect.sid=planted; eas.sid=planted; qlik_session=planted; _session=planted" };
  expect((await stack.get(items, { user: null, headers: planted })).status).toBe(401);
  expect((await stack.get(items, { headers: planted })).status).toBe(200);
  expect((await stack.get(items, { user: null, headers: planted })).status).toBe(401);
  const subject = (await stack.get("/api/v1/users/me", { user: "bob", headers: planted })).json();
  expect(subject).toMatchObject({ subject: "bob" });
  expect(JSON.stringify(stack.tenant.recordings())).not.toContain("planted");
});

test("a storm of anonymous requests to any address ends no process and makes no login (facts §12)", async () => {
  const observed = observe();
  const stack = await start();
  const paths = [
    "/login/callback?state=x",
    "/login/callback",
    "/login?returnto=%00",
    "/_session/callback?state=x&code=y",
    "/logout",
    "/%",
    "/api/v1/items?%",
    "/single/?appid=x",
    `/api/v1/items?${"x".repeat(8000)}`,
  ];
  const statuses = new Set<number>();
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(paths.map((path) => stack.get(path, { user: null })));
    for (const { status } of answers) statuses.add(status);
  }
  const { host } = new URL(stack.origin);
  const lines = [
    "GET /login/callback?state=x",
    "GET /qlik/login/callback?state=x",
    "POST /qlik/login",
    "GET *",
  ];
  for (const line of lines)
    await sendBytes(stack.origin, `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect([...statuses].every((status) => status >= 200 && status < 500)).toBe(true);
  expect(observed.uncaught).toEqual([]);
  expect(stack.tenant.recordings()).toHaveLength(0);
  expect((await stack.get(items)).status).toBe(200);
});

test("a tenant that is silent, gone or talks nonsense costs an answer in time, not the process (facts §12)", async () => {
  const observed = observe();
  const stack = await start({
    proxy: { timeouts: { login: 200, headers: 200, connect: 200, bodyIdle: 200 } },
  });
  const codeOf = async (user: string) => {
    const answer = await stack.get(items, { user });
    return [answer.status, (answer.json() as { errors: { code: string }[] }).errors[0]?.code];
  };
  stack.tenant.fault({ kind: "silence", path: loginPath });
  expect(await codeOf("mute-login")).toEqual([504, "QSP-TIMEOUT"]);
  stack.tenant.clearFaults();
  stack.tenant.fault({ kind: "garbage", path: loginPath });
  expect(await codeOf("garbage-login")).toEqual([502, "QSP-UPSTREAM"]);
  stack.tenant.clearFaults();
  stack.tenant.fault({ kind: "reset", stage: "request", path: loginPath });
  expect(await codeOf("reset-login")).toEqual([502, "QSP-UPSTREAM"]);
  stack.tenant.clearFaults();
  stack.tenant.fault({ kind: "silence", path: "/api/v1/items" });
  expect(await codeOf("mute-request")).toEqual([504, "QSP-TIMEOUT"]);
  stack.tenant.clearFaults();
  expect((await stack.get(items, { user: "mute-request" })).status).toBe(200);
  expect(observed.uncaught).toEqual([]);
});

test("a tenant that nobody reaches is a 502, not a hung request or a dead process (facts §12)", async () => {
  const observed = observe();
  const gone = await startRawUpstream();
  await gone.close();
  const stack = await start({ tenantOrigin: gone.origin });
  const answers = await Promise.all([stack.get(items), stack.get("/qlik-embed/main.js", { user: null })]);
  expect(answers.map(({ status }) => status)).toEqual([502, 502]);
  expect(observed.uncaught).toEqual([]);
});

test("a failed login is an error at once and no session; the next request after the remedy succeeds (facts §12)", async () => {
  const clock = createManualClock();
  const stack = await start({ clock });
  // Refused, and a success that gives no session: facts §2.1.
  stack.tenant.enqueue({ path: loginPath, status: 401 });
  stack.tenant.enqueue({ path: loginPath, status: 200, body: {} });
  for (const user of ["ann", "bob"]) {
    const failed = await stack.get(items, { user });
    expect([failed.status, failed.text]).toEqual([502, expect.stringContaining("QSP-TENANT-REFUSED")]);
  }
  expect(stack.proxy.stats().sessions).toBe(0);
  expect((await stack.get("/_session")).json()).toMatchObject({ authenticated: true, active: false });
  clock.advance(2000);
  expect((await stack.get(items)).status).toBe(200);
});

test("what the tenant says to a refused login is neither shown to the user nor written to a log (facts §12)", async () => {
  const observed = observe();
  const stack = await start();
  stack.tenant.enqueue({
    method: "POST",
    path: loginPath,
    status: 401,
    body: { errors: [{ code: "INTERNAL-TOKEN-1", title: "canary title", detail: "canary detail" }] },
  });
  const answer = await stack.get(items);
  expect(answer.status).toBe(502);
  expect(answer.body.length).toBeGreaterThan(0);
  expect(answer.text + observed.events.join("\n")).not.toContain("canary");
  // The operator is told what to look at.
  expect(observed.events.find((event) => event.includes("login.refused"))).toContain("INTERNAL-TOKEN-1");
});

test("cookies of the login go back to the tenant byte for byte, in whatever order they came (facts §12)", async () => {
  const stack = await start();
  for (let user = 0; user < 20; user += 1) {
    const answer = await stack.get("/api/v1/licenses/allotments", {
      user: `user-${user}`,
      method: "POST",
      headers: { origin: stack.origin, "content-type": "application/json" },
      body: "{}",
    });
    expect([user, answer.status]).toEqual([user, expect.toSatisfy((status: number) => status < 300)]);
  }
  // The tenant checked every signature, and every CSRF token; the load balancer's cookies travel along.
  const sent = stack.tenant.recordings({ method: "POST", path: "/api/v1/licenses/allotments" });
  expect(sent).toHaveLength(20);
  for (const { headers, subject } of sent) {
    expect(subject).toMatch(/^user-/);
    const [cookie, ...more] = headers.filter(([name]) => name.toLowerCase() === "cookie");
    expect(more).toEqual([]);
    const names = (cookie?.[1] ?? "").split("; ").map((part) => part.split("=")[0] ?? "");
    expect(names.toSorted()).toEqual(
      ["eas.sid", "eas.sid.sig", "_csrfToken", "_csrfToken.sig", "AWSALB", "AWSALBCORS"].toSorted(),
    );
  }
});

test("a date with a comma does not tear a cookie apart, alone or between others (facts §12)", async () => {
  const upstream = await startRawUpstream();
  open.unshift(upstream);
  const stack = await start({ tenantOrigin: upstream.origin });
  const seen: string[] = [];
  upstream.handle((request, socket) => {
    seen.push(request.header("cookie") ?? "");
    socket.write(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" +
        "Set-Cookie: AWSALB=a/b+c==; Expires=Wed, 21 Oct 2071 07:28:00 GMT; Path=/\r\n" +
        "Set-Cookie: gone=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n" +
        "Set-Cookie: late=x,y; Path=/; Expires=Monday, 22-Oct-40 07:28:00 GMT\r\n\r\nok",
    );
  });
  await stack.get(items);
  await stack.get(items);
  expect(seen[1]?.split("; ").toSorted()).toEqual(
    [
      "AWSALB=a/b+c==",
      "late=x,y",
      "_csrfToken=raw-token",
      "eas.sid=raw-session",
      "eas.sid.sig=raw-signature",
    ].toSorted(),
  );
});

test("a cookie that the tenant changes later is used from then on (facts §12)", async () => {
  const stack = await start();
  await stack.get(items);
  const cookieOf = () =>
    stack.tenant
      .recordings({ path: "/api/v1/items" })
      .at(-1)
      ?.headers.find(([name]) => name.toLowerCase() === "cookie")?.[1];
  stack.tenant.sessions.rotateCookie();
  await stack.get(items);
  const before = cookieOf();
  await stack.get(items);
  const sid = (cookie: string | undefined) => /eas\.sid=[^;]+/.exec(cookie ?? "")?.[0];
  expect(sid(cookieOf())).toBeDefined();
  expect(sid(cookieOf())).not.toBe(sid(before));
  expect(logins(stack)).toHaveLength(1);
});

test("a session that ran out is renewed unseen, and a log-out ends the tenant's session (facts §12)", async () => {
  const stack = await start();
  await stack.get(items, { user: "ann;1" });
  stack.tenant.sessions.expire();
  expect((await stack.get(items, { user: "ann;1" })).status).toBe(200);
  expect(logins(stack)).toHaveLength(2);
  expect(stack.tenant.sessions.list()).toHaveLength(1);
  await stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: stack.origin } });
  expect(stack.tenant.sessions.list()).toEqual([]);
});

test("the token has room for clocks that differ, and says of the user what the host said (facts §12)", async () => {
  const user = {
    subject: "acme|ann",
    name: "Ann",
    email: "ann@acme.test",
    emailVerified: false,
    groups: ["b", "a"],
  };
  const stack = await start({ proxy: { identify: () => user } });
  stack.tenant.clock.advance(-20_000);
  expect((await stack.get(items)).status).toBe(200);
  const claims = lastClaims(stack);
  const now = Date.now() / 1000;
  expect(claims).toMatchObject({
    sub: "acme|ann",
    subType: "user",
    name: "Ann",
    email: "ann@acme.test",
    email_verified: false,
    groups: ["a", "b"],
    aud: "qlik.api/login/jwt-session",
  });
  expect(Number(claims["nbf"])).toBeLessThanOrEqual(now - 20);
  expect(Number(claims["exp"]) - Number(claims["nbf"])).toBeLessThanOrEqual(3600);
});

test("whether somebody is signed in is asked of the server; a cookie says nothing (facts §12)", async () => {
  const stack = await start();
  const anything = { cookie: "anything=1" };
  const state = async (user: string | null) =>
    (await stack.get("/_session", { user, headers: anything })).json();
  expect(await state(null)).toMatchObject({ authenticated: false, active: false });
  expect(await state("ann")).toMatchObject({ authenticated: true, active: false });
  await stack.get(items, { headers: anything });
  expect(await state("ann")).toMatchObject({ authenticated: true, active: true });
});
