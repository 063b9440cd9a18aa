/* Several tenants behind one proxy know nothing of each other, however requests find them. rules R15, attacks X2 X5 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeOf, startTwoTenants, type TenantName, type TwoTenants } from "../support/two-tenants.ts";

const items = "/api/v1/items";
const engine = "/app/8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";
const names: readonly TenantName[] = ["acme", "globex"];

describe.each(["host", "prefix", "claim"] as const)("tenants that are told apart by %s", (by) => {
  let pair: TwoTenants;
  beforeAll(async () => {
    pair = await startTwoTenants({ by, proxy: { limits: { socketsPerSession: 2 } } });
  });
  afterAll(() => pair.close());

  /** Values of every cookie and token that a tenant has seen. */
  const credentialsAt = (name: TenantName): readonly string[] =>
    pair.tenants[name]
      .recordings()
      .flatMap(({ headers }) => headers)
      .filter(([header]) => ["cookie", "authorization", "qlik-csrf-token"].includes(header.toLowerCase()))
      .map(([, value]) => value);

  test("one person has a session at each, signed with its own key, and neither tenant sees anything of the other's", async () => {
    for (const name of names) {
      const answer = await pair.get(name, items);
      expect([name, answer.status]).toEqual([name, 200]);
      const socket = pair.socket(name, engine);
      await socket.message();
      socket.ws.close();
      await socket.closed;
    }
    for (const name of names) {
      const logins = pair.tenants[name].recordings({ path: "/login/jwt-session" });
      expect(logins.map(({ status }) => status)).toEqual([200]);
    }
    const [acme, globex] = names.map(credentialsAt);
    expect(acme?.length).toBeGreaterThan(3);
    expect(acme?.filter((value) => globex?.includes(value))).toEqual([]);
    const listed = await pair.proxy.sessions.list();
    expect(listed.map(({ tenant, subject }) => `${tenant} ${subject}`)).toEqual(["acme ann", "globex ann"]);
    expect(new Set(listed.map(({ key }) => key)).size).toBe(2);
  });

  test("absolute links of each lead to its own place", async () => {
    for (const name of names) {
      const answer = await pair.get(name, items);
      const { origin, prefix } = pair.placeOf(name);
      const { links } = answer.json() as { readonly links: { readonly self: { readonly href: string } } };
      expect(links.self.href.startsWith(`${origin}${prefix}/api/v1/items`)).toBe(true);
      expect(answer.text).not.toContain(".localhost:" + new URL(pair.tenants[name].origin).port);
    }
  });

  test("the limit on sockets is each session's own", async () => {
    const open = [pair.socket("acme", engine), pair.socket("acme", engine)];
    await Promise.all(open.map((socket) => socket.message()));
    expect((await pair.socket("acme", engine).refused).status).toBe(503);
    const other = pair.socket("globex", engine);
    await other.message();
    for (const socket of [...open, other]) socket.ws.close();
    await Promise.all([...open, other].map(({ closed }) => closed));
  });

  test("a log-out ends the session of one tenant, by claim of all; a revocation those of both", async () => {
    const sockets = names.map((name) => pair.socket(name, engine, "bob"));
    await Promise.all(sockets.map((socket) => socket.message()));
    const gone = await pair.get("acme", "/_session", {
      user: "bob",
      method: "DELETE",
      headers: { origin: pair.placeOf("acme").origin },
    });
    expect(gone.status).toBe(204);
    expect((await sockets[0]?.closed)?.code).toBe(4203);
    const stays = by !== "claim";
    expect((await pair.get("globex", "/_session", { user: "bob" })).json()).toMatchObject({
      active: stays,
      sockets: stays ? 1 : 0,
    });
    await pair.proxy.revoke({ subject: "bob" });
    expect((await sockets[1]?.closed)?.code).toBe(4203);
    expect(await pair.proxy.sessions.list("bob")).toEqual([]);
  });

  test("one that refuses every login, or is down, neither slows nor refuses the other", async () => {
    const { acme } = pair.tenants;
    acme.fault({ kind: "throttle", path: "/login/jwt-session", retryAfter: 30 });
    expect(codeOf(await pair.get("acme", items, { user: "cid" }))).toBe("QSP-TENANT-THROTTLED");
    expect(pair.proxy.stats()).toMatchObject({ loginsHeldBack: false, storeReachable: true });
    expect((await pair.get("globex", items, { user: "cid" })).status).toBe(200);
    await acme.close();
    expect(codeOf(await pair.get("acme", items))).toBe("QSP-UPSTREAM");
    expect((await pair.get("globex", items)).status).toBe(200);
    const socket = pair.socket("globex", engine, "dan");
    await socket.message();
    socket.ws.close();
    await socket.closed;
  });
});
