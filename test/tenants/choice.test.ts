/* A request is for one tenant or for none; no way of writing it leads to another than the one whose door judges it. */
import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findTenant } from "../../src/proxy/tenants/find-tenant.ts";
import { testSocket } from "../support/stack.ts";
import { codeOf, startTwoTenants, type TenantName, type TwoTenants } from "../support/two-tenants.ts";

const items = "/api/v1/items";
const names: readonly TenantName[] = ["acme", "globex"];

/** Names of the tenants that have seen anything since they were last asked. */
const seenBy = ({ tenants }: TwoTenants): readonly TenantName[] =>
  names.filter((name) => tenants[name].take().length > 0);

describe("by host", () => {
  let pair: TwoTenants;
  beforeAll(async () => {
    pair = await startTwoTenants({ by: "host" });
  });
  afterAll(() => pair.close());

  const hostOf = (name: TenantName): string => new URL(pair.placeOf(name).origin).host;

  test("the Host header decides, in any case of its letters; what a browser says beside it does not", async () => {
    const other = { "x-forwarded-host": hostOf("globex"), forwarded: `host=${hostOf("globex")}` };
    for (const host of [hostOf("acme"), hostOf("acme").toUpperCase()]) {
      expect((await pair.get("acme", items, { headers: { host, ...other } })).status).toBe(200);
      expect(seenBy(pair)).toEqual(["acme"]);
    }
  });

  test.each([
    ["another port", (host: string) => host.replace(/\d+$/, "1")],
    ["no port", (host: string) => host.replace(/:.*/, "")],
    ["a dot at the end of the name", (host: string) => host.replace(":", ".:")],
    ["something before it", (host: string) => `x.${host}`],
    ["something behind it", (host: string) => `${host}.example.com`],
    ["the portal", (host: string) => host.replace(/^[^:]*/, "portal.localhost")],
  ])("%s is the host of no tenant: 421, and no socket", async (_what, change) => {
    const host = change(hostOf("acme"));
    for (const path of [items, "/_session", "/not/offered"]) {
      const answer = await pair.get("acme", path, { headers: { host } });
      expect([answer.status, codeOf(answer)]).toEqual([421, "QSP-TARGET"]);
    }
    const url = `ws://acme-analytics.localhost:${pair.port}/qlik/app/x`;
    expect(
      (await testSocket(url, { host, origin: pair.placeOf("acme").origin, "x-test-user": "ann" }).refused)
        .status,
    ).toBe(421);
    expect(seenBy(pair)).toEqual([]);
  });

  test("two hosts are none, and neither is no host", () => {
    const tenants = names.map((name) => ({
      options: { publicOrigin: pair.placeOf(name).origin, prefix: "/qlik" },
    }));
    const found = (...hosts: readonly string[]): unknown =>
      findTenant(tenants, "host", {
        method: "GET",
        url: "/qlik/",
        httpVersionMajor: 1,
        httpVersionMinor: 1,
        socket: {},
        rawHeaders: hosts.flatMap((host) => ["Host", host]),
      });
    expect(found(hostOf("globex"))).toBe(tenants[1]);
    expect([found(), found(hostOf("acme"), hostOf("globex")), found(hostOf("acme"), hostOf("acme"))]).toEqual(
      [undefined, undefined, undefined],
    );
  });

  test("over HTTP/2 a host is as good by its other name, and one of no tenant is 421", async () => {
    const server = http2.createServer((request, response) => pair.proxy(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const ask = async (authority: string): Promise<unknown> => {
      const stream = session.request({
        ":authority": authority,
        ":path": `/qlik${items}`,
        "sec-fetch-site": "same-origin",
        "x-test-user": "ann",
      });
      const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
      stream.resume();
      await once(stream, "close");
      return head[":status"];
    };
    try {
      expect(await ask(hostOf("globex"))).toBe(200);
      expect(seenBy(pair)).toEqual(["globex"]);
      expect(await ask("other.example.com")).toBe(421);
    } finally {
      session.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });

  test("a page of one tenant's host may not use the other's", async () => {
    const { origin } = pair.placeOf("globex");
    const answer = await pair.get("acme", items, { headers: { origin, "sec-fetch-site": "same-site" } });
    expect(codeOf(answer)).toBe("QSP-CROSS-SITE");
    expect(seenBy(pair)).toEqual([]);
  });
});

describe("by prefix", () => {
  let pair: TwoTenants;
  beforeAll(async () => {
    pair = await startTwoTenants({
      by: "prefix",
      entries: { globex: { policy: { deny: ["/api/v1/items"] } } },
    });
  });
  afterAll(() => pair.close());

  const ask = async (path: string): Promise<readonly unknown[]> => {
    const { status } = await pair.get("acme", "", { path });
    return [status, ...seenBy(pair)];
  };

  test.each([
    ["/qlik/acme/api/v1/items", 200, ["acme"]],
    ["/qlik/globex/api/v1/items", 404, []],
    ["/qlik/acmee/api/v1/items", 404, []],
    ["/qlik/ACME/api/v1/items", 404, []],
    ["/qlik/%61cme/api/v1/items", 404, []],
    ["/qlik%2facme/api/v1/items", 404, []],
    ["/qlik/globex/../acme/api/v1/items", 400, []],
    ["/qlik/globex/%2e%2e/acme/api/v1/items", 400, []],
    ["/qlik/globex/..%2facme/api/v1/items", 400, []],
    ["/qlik/globex/%252e%252e/acme/api/v1/items", 400, []],
    ["/qlik/globex\\..\\acme/api/v1/items", 400, []],
    ["/qlik/globex//../acme/api/v1/items", 400, []],
    ["//qlik/acme/api/v1/items", 400, []],
    ["/qlik/../qlik/acme/api/v1/items", 400, []],
    ["/qlik/globex;/../acme/api/v1/items", 400, []],
  ])("%s: %d", async (path, status, seen) => {
    expect(await ask(path)).toEqual([status, ...seen]);
  });

  test("a socket below no prefix is refused where nobody else takes it, and so is one below a denied path", async () => {
    const url = `ws://portal.localhost:${pair.port}`;
    const headers = { origin: pair.placeOf("acme").origin, "x-test-user": "ann" };
    expect((await testSocket(`${url}/qlik/app/x`, headers).refused).status).toBe(404);
    expect((await testSocket(`${url}/qlik/acme/api/v1/items`, headers).refused).status).toBe(404);
  });
});

describe("by claim", () => {
  let pair: TwoTenants;
  let asked = 0;
  /** Tenants that the host names for somebody, one after the other, in the place of the header's. */
  const moved = new Map<string, TenantName[]>();
  beforeAll(async () => {
    pair = await startTwoTenants({
      by: "claim",
      proxy: {
        identify({ headers }) {
          asked += 1;
          const user = String(headers["x-test-user"] ?? "");
          if (user === "broken") throw new Error("the host's database is away");
          if (!user) return null;
          const tenant = moved.get(user)?.shift() ?? String(headers["x-test-tenant"]);
          return { subject: user, email: `${user}@example.com`, tenant };
        },
      },
    });
  });
  afterAll(() => pair.close());

  const as = (tenant: string): { readonly headers: Readonly<Record<string, string>> } => ({
    headers: { "x-test-tenant": tenant },
  });

  test("the host is asked once for a request, once more only for a login", async () => {
    for (const [path, times] of [
      [items, 2],
      [items, 1],
      ["/_session", 1],
    ] as const) {
      asked = 0;
      await pair.get("globex", path);
      expect([path, asked]).toEqual([path, times]);
    }
    expect(seenBy(pair)).toEqual(["globex"]);
  });

  test.each(["initech", "ACME", "acme,globex", "acm", "constructor"])(
    "a person of the tenant %j is refused, and no tenant hears of it",
    async (tenant) => {
      const answer = await pair.get("acme", items, as(tenant));
      expect([answer.status, codeOf(answer)]).toEqual([403, "QSP-USER-REFUSED"]);
      const status = await pair.get("acme", "/_session", as(tenant));
      expect([status.status, status.json()]).toMatchObject([200, { authenticated: false }]);
      expect(seenBy(pair)).toEqual([]);
    },
  );

  test("nobody and a host that fails are answered as ever; files that need nobody come from the first tenant", async () => {
    expect(codeOf(await pair.get("globex", items, { user: null }))).toBe("QSP-UNAUTHENTICATED");
    expect(codeOf(await pair.get("globex", items, { user: "broken" }))).toBe("QSP-IDENTITY");
    expect(seenBy(pair)).toEqual([]);
    for (const user of [null, "broken"]) {
      await pair.get("globex", "/resources/x.js", { user });
      expect(seenBy(pair)).toEqual(["acme"]);
    }
    await pair.get("globex", "/resources/x.js");
    expect(seenBy(pair)).toEqual(["globex"]);
  });

  test("what the door refuses, it refuses before anybody is asked", async () => {
    asked = 0;
    expect(codeOf(await pair.get("acme", "/not/offered"))).toBe("QSP-POLICY");
    const foreign = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect(codeOf(await pair.get("acme", items, { headers: foreign }))).toBe("QSP-CROSS-SITE");
    expect(asked).toBe(0);
  });

  test("somebody whose tenant changes opens nothing at the former one, also in the middle of a login", async () => {
    expect((await pair.get("acme", items, { user: "eve" })).status).toBe(200);
    expect(seenBy(pair)).toEqual(["acme"]);
    expect((await pair.get("globex", items, { user: "eve" })).status).toBe(200);
    expect(seenBy(pair)).toEqual(["globex"]);
    moved.set("fay", ["acme", "globex"]);
    expect(codeOf(await pair.get("acme", items, { user: "fay" }))).toBe("QSP-UNAUTHENTICATED");
    expect(seenBy(pair)).toEqual([]);
  });

  test("a log-out in the browser ends them at both too, also where the claim is of no tenant by then", async () => {
    const { proxy } = pair;
    const from = { origin: pair.placeOf("acme").origin };
    const leave = { method: "DELETE", user: "ivy" };
    for (const [user, tenant, ask] of [
      ["ivy", "globex", ["/_session", leave]],
      ["ivo", "initech", ["/_session", { ...leave, user: "ivo" }]],
      ["ida", "initech", ["/logout", { method: "POST", user: "ida" }]],
    ] as const) {
      for (const name of names) expect((await pair.get(name, items, { user })).status).toBe(200);
      asked = 0;
      const [path, request] = ask;
      const { status } = await pair.get("acme", path, {
        ...request,
        headers: { ...from, ...as(tenant).headers },
      });
      expect([user, status, asked]).toEqual([user, path === "/logout" ? 200 : 204, 1]);
      expect([user, await proxy.sessions.list(user)]).toEqual([user, []]);
    }
    seenBy(pair);
  });

  test("a host that fails is asked once by our own routes, and the state of nobody is no error", async () => {
    asked = 0;
    expect((await pair.get("acme", "/_session", { user: "broken" })).status).toBe(503);
    expect(asked).toBe(1);
    expect((await pair.get("acme", "/_session/auth-module.js", { user: "broken" })).status).toBe(200);
    expect((await pair.get("acme", "/_session", { user: null })).status).toBe(200);
  });

  test("a log-out by the host ends the sessions at both, whatever tenant it names by then", async () => {
    const { proxy } = pair;
    expect((await proxy.sessions.list("eve")).map(({ tenant }) => tenant)).toEqual(["acme", "globex"]);
    await proxy.logout({ headers: { "x-test-user": "eve", "x-test-tenant": "globex" } } as never);
    expect(await proxy.sessions.list("eve")).toEqual([]);
  });
});

test("by claim, a host that answers too late leaves nothing behind, and files are not held up by it", async () => {
  let answer: (identity: null) => void = () => {};
  const late = new Promise<null>((resolve) => {
    answer = resolve;
  });
  const pair = await startTwoTenants({
    by: "claim",
    proxy: { identify: () => late, timeouts: { login: 60 } },
  });
  try {
    expect(codeOf(await pair.get("acme", items))).toBe("QSP-IDENTITY");
    expect((await pair.get("acme", "/resources/x.js")).status).not.toBe(503);
    expect(seenBy(pair)).toEqual(["acme"]);
    answer(null);
    await late;
    await expect.poll(() => pair.proxy.stats().inFlight).toBe(0);
  } finally {
    await pair.close();
  }
});
