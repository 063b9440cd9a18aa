import type { IncomingMessage, RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { SessionProxy, SessionProxyOptions } from "../../src/index.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { startStack, testIdentity, type Stack, type StackOptions } from "../support/stack.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { valueOf } from "../support/tenant-kind.ts";

const stacks: Stack[] = [];
async function start(options: StackOptions = {}): Promise<Stack> {
  const stack = await startStack(options);
  stacks.push(stack);
  return stack;
}
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

const items = "/api/v1/items?limit=2";
const codeOf = (answer: RawAnswer) => (answer.json() as { errors: { code: string }[] }).errors[0]?.code;
const withNext =
  (proxy: SessionProxy): RequestListener =>
  (request, response) =>
    proxy(request, response, () => response.end(`host ${request.method} ${request.url}`));

/** Paths of requests within the tenant. */
const pathsAt = ({ tenant }: Stack): readonly (string | undefined)[] =>
  tenant.recordings().map((each) => wire.within(each.url, (name) => valueOf(each, name)));

describe("on a plain server", () => {
  test("without next, what is not ours is 404", async () => {
    const stack = await start();
    expect((await stack.get(items)).status).toBe(200);
    const answer = await stack.get("", { path: "/elsewhere" });
    expect([answer.status, codeOf(answer)]).toEqual([404, "QSP-POLICY"]);
  });

  test("with next, what is not ours goes on untouched, body and all", async () => {
    const stack = await start({
      mount: (proxy) => (request, response) =>
        proxy(request, response, () => {
          response.write(`host ${request.method} `);
          request.pipe(response);
        }),
    });
    const answer = await stack.get("", { path: "/own", method: "POST", body: "the body" });
    expect([answer.status, answer.text]).toEqual([200, "host POST the body"]);
    expect(answer.rawHeaders.map((name) => name.toLowerCase())).not.toContain("content-security-policy");
  });

  test("a path below the prefix that is not allowed is ours to refuse, not the app's to answer", async () => {
    const stack = await start({ mount: withNext });
    for (const path of ["/api/v1/users", "/api/v1/api-keys", "/nothing", "/_session/nothing"])
      expect([path, (await stack.get(path)).status]).toEqual([path, 404]);
  });
});

describe("mounted at the root", () => {
  /** Counts how often the host is asked who somebody is. */
  async function startAtRoot(
    options: Partial<SessionProxyOptions> = {},
  ): Promise<{ stack: Stack; asked: () => number }> {
    let count = 0;
    const identify = (request: IncomingMessage) => {
      count += 1;
      return testIdentity(request.headers["x-test-user"]);
    };
    const stack = await start({ mount: withNext, proxy: { prefix: "/", identify, ...options } });
    return { stack, asked: () => count };
  }

  test("takes the tenant's paths that the policy allows, and no other", async () => {
    const { stack } = await startAtRoot();
    expect((await stack.get(items)).json()).toMatchObject({ data: expect.any(Array) });
    expect(await stack.socket("/app/engineData").message()).toContain("OnConnected");
    expect(pathsAt(stack)).toContain(items);
  });

  test("hands everything else on before anybody is asked who the user is", async () => {
    const { stack, asked } = await startAtRoot();
    const paths = [
      "/",
      "/index.html",
      "/login",
      "/logout",
      "/api/v1/users",
      "/api/v2/items",
      "/application",
      "/resourcesx/a.js",
      "/qlik/api/v1/items",
      "/a/../api/v1/items",
      "/%2e%2e/x",
      "/_sessions",
    ];
    for (const path of paths) {
      const answer = await stack.get(path, { headers: { origin: "https://elsewhere.example" } });
      expect([answer.status, answer.text]).toEqual([200, `host GET ${path}`]);
    }
    const post = await stack.get(items, { method: "POST", body: "x" });
    expect(post.text).toBe(`host POST ${items}`);
    expect(asked()).toBe(0);
    expect(stack.tenant.recordings()).toHaveLength(0);
  });

  test("has its own routes below the reserved name, and nothing there goes on", async () => {
    const { stack } = await startAtRoot();
    await stack.get(items);
    expect((await stack.get("/_session")).json()).toMatchObject({ active: true, subject: "ann" });
    expect((await stack.get("/_session/nothing")).status).toBe(404);
    const out = await stack.get("/_session", { method: "DELETE", headers: { origin: stack.origin } });
    expect(out.status).toBe(204);
    expect(stack.tenant.sessions.list()).toEqual([]);
  });

  test("takes login and logout where the operator gives them away, and nothing near them", async () => {
    const { stack, asked } = await startAtRoot({ root: { takeLogin: true } });
    const login = await stack.get("/login?returnto=%2Fhome", { method: "GET" });
    expect([login.status, login.header("location")]).toEqual([302, `${stack.origin}/home`]);
    expect((await stack.get("/login?returnto=%2Flogout")).status).toBe(400);
    expect((await stack.get("/login", { user: null })).status).toBe(401);
    const form = await stack.get("/logout", { headers: { "sec-fetch-site": "none" } });
    expect([form.status, form.text]).toEqual([200, expect.stringContaining('<form method="post">')]);
    await stack.get(items);
    const out = await stack.get("/logout", { method: "POST", headers: { origin: stack.origin } });
    expect([out.status, stack.tenant.sessions.list()]).toEqual([200, []]);
    expect(stack.tenant.recordings({ path: "/login" })).toEqual([]);
    const before = asked();
    for (const path of ["/login/", "/login/x", "/Login", "/logout/all", "/log%69n", "/"])
      expect([path, (await stack.get(path)).text]).toEqual([path, `host GET ${path}`]);
    expect(asked()).toBe(before);
  });

  test("a path that a deny rule takes back is the application's again, asked by nobody", async () => {
    const { stack, asked } = await startAtRoot({ policy: { deny: ["/assets/**"] } });
    expect((await stack.get("/assets/tenant.css")).text).toBe("host GET /assets/tenant.css");
    expect((await stack.get("/resources/js/tenant-page.js")).text).not.toContain("host GET");
    expect(asked()).toBe(0);
  });

  test("writes links without a prefix", async () => {
    const { stack } = await startAtRoot();
    const { links } = (await stack.get(items)).json() as { links: Record<string, { href: string }> };
    expect(links["self"]?.href.split("&xrfkey=")[0]).toBe(`${stack.origin}/api/v1/items?limit=2`);
  });
});

describe("without publicOrigin", () => {
  const proxy = { publicOrigin: undefined as unknown as string };

  test("the request's own origin counts: for the guard, for links and for sockets", async () => {
    const stack = await start({ proxy });
    const { port } = new URL(stack.origin);
    for (const name of ["portal.localhost", "intranet.localhost"]) {
      const own = `http://${name}:${port}`;
      const headers = { host: `${name}:${port}`, origin: own };
      const answer = await stack.get(items, { headers });
      const { links } = answer.json() as { links: Record<string, { href: string }> };
      expect(links["self"]?.href.split("&xrfkey=")[0]).toBe(`${own}/qlik/api/v1/items?limit=2`);
      const socket = stack.socket("/app/engineData", { headers });
      expect(await socket.message()).toContain("OnConnected");
    }
  });

  test("another site is refused as ever", async () => {
    const stack = await start({ proxy });
    const evil = { origin: "http://evil.localhost:1" };
    expect((await stack.get(items, { headers: { ...evil, "sec-fetch-site": "cross-site" } })).status).toBe(
      403,
    );
    expect((await stack.get(items, { headers: evil })).status).toBe(403);
    expect((await stack.socket("/app/engineData", { headers: evil }).refused).status).toBe(403);
    const out = await stack.get("/_session", {
      method: "DELETE",
      headers: { ...evil, "sec-fetch-site": "same-site" },
    });
    expect(out.status).toBe(403);
    expect(stack.tenant.recordings()).toHaveLength(0);
  });
});
