import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { describe, expect, test } from "vitest";
import { expectTenantError } from "../support/assertions.ts";
import { observeProcess } from "../support/observed-process.ts";
import { adminToken, adminWorlds, comeBack } from "./admin-world.ts";

const world = adminWorlds();
/** Out means out within a second. Milliseconds; product C4 */
const promised = 1000;

/** Times of the store are this node's up to the time that an answer takes on a busy machine. Milliseconds. */
const clocksDiffer = 500;

const unknownKey = "0123456789abcdef".repeat(4);

describe("GET /sessions", () => {
  test("lists every session, the last used first", async () => {
    const { visit, socket, list } = await world();
    expect(await list()).toEqual([]);
    const before = Date.now();
    for (const user of ["ann", "bob;b1", "bob;b2"]) expect((await visit(user)).status).toBe(200);
    await sleep(clocksDiffer);
    const open = await socket("ann");
    const sessions = await list();
    expect(sessions.map(({ subject, sockets }) => [subject, sockets])).toEqual([
      ["ann", 1],
      ["bob", 0],
      ["bob", 0],
    ]);
    for (const session of sessions) {
      expect(Object.keys(session).toSorted()).toEqual(
        ["createdAt", "expiresAt", "generation", "key", "lastUsedAt", "sockets", "subject"].toSorted(),
      );
      expect(session.key).toMatch(/^[0-9a-f]{64}$/);
      expect(session.createdAt).toBeGreaterThanOrEqual(before - clocksDiffer);
      expect(session.lastUsedAt).toBeGreaterThanOrEqual(session.createdAt - clocksDiffer);
    }
    open.ws.terminate();
  });

  test("lists those of a subject, that of a key, and no more than were asked for", async () => {
    const { visit, list, ask } = await world();
    for (const user of ["ann", "bob;b1", "bob;b2"]) await visit(user);
    expect((await list("?subject=bob")).map(({ subject }) => subject)).toEqual(["bob", "bob"]);
    expect(await list("?subject=bo")).toEqual([]);
    const [{ key } = { key: "" }] = await list("?subject=ann");
    expect((await list(`?key=${key}`)).map(({ subject }) => subject)).toEqual(["ann"]);
    const first = await ask("GET", "/sessions?limit=1");
    expect(first.json()).toHaveLength(1);
    expect(first.header("x-total-count")).toBe("3");
  });

  test.each(["?limit=0", "?limit=x", "?limit=100001", "?subjekt=ann", "?subject=", "?subject=a+b"])(
    "answers %s with 400 and what would be right",
    async (query) => {
      const { ask } = await world();
      const error = expectTenantError(await ask("GET", `/sessions${query}`), 400, "QSP-TARGET");
      expect(error.detail).not.toBe("");
    },
  );
});

describe("DELETE /sessions", () => {
  test("ends everything of a subject: sockets closed with 4203, and the sessions at the tenant", async () => {
    const { visit, socket, ask, list, tenant } = await world();
    await visit("bob;b2");
    const open = [await socket("ann"), await socket("bob;b1")];
    tenant.take();
    const answer = await ask("DELETE", "/sessions?subject=bob");
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ revoked: 2 });
    const inTime = Promise.race([open[1]?.closed, sleep(promised, "still open")]);
    expect(await inTime).toEqual({ code: 4203, reason: '{"code":"QSP-REVOKED"}' });
    expect((await list()).map(({ subject }) => subject)).toEqual(["ann"]);
    expect(open[0]?.ws.readyState).toBe(WebSocket.OPEN);
    expect(tenant.take().filter(({ url }) => url === "/logout")).toHaveLength(2);
    for (const each of open) each.ws.terminate();
  });

  test("keeps a subject out for as long as is said", async () => {
    const { visit, ask } = await world();
    expect((await ask("DELETE", "/sessions?subject=ann&blockFor=10m")).json()).toEqual({ revoked: 0 });
    expect((await ask("DELETE", "/sessions?subject=bob")).json()).toEqual({ revoked: 0 });
    expect(await comeBack(() => visit("bob"))).toBe(200);
    expect((await visit("ann")).status).toBe(401);
  });

  test("ends the session of a key, and says where there is none", async () => {
    const { visit, socket, ask, list } = await world();
    await visit("bob;b1");
    const [{ key } = { key: "" }] = await list();
    await visit("bob;b2");
    const open = await socket("bob;b1");
    const answer = await ask("DELETE", `/sessions?key=${key}`);
    expect([answer.status, answer.json()]).toEqual([200, { revoked: 1 }]);
    expect((await open.closed).code).toBe(4203);
    expect((await list()).map((session) => session.key)).not.toContain(key);
    expect(await list()).toHaveLength(1);
    for (const gone of [key, unknownKey]) {
      expectTenantError(await ask("DELETE", `/sessions?key=${gone}`), 404, "QSP-POLICY");
    }
  });

  test.each([
    "",
    `?subject=ann&key=${unknownKey}`,
    "?subject=ann&subject=bob",
    "?key=0123",
    "?subject=ann&blockFor=600",
    "?subject=ann&all=true",
  ])("answers %j with 400 and ends nothing", async (query) => {
    const { visit, ask, list } = await world();
    await visit("ann");
    expectTenantError(await ask("DELETE", `/sessions${query}`), 400, "QSP-TARGET");
    expect(await list()).toHaveLength(1);
  });

  test("leaves one line for the log, without the subject", async () => {
    const { visit, ask, list } = await world();
    await visit("ann.anderson");
    const [{ key } = { key: "" }] = await list();
    const watched = observeProcess();
    await ask("DELETE", "/sessions?subject=ann.anderson");
    await ask("DELETE", `/sessions?key=${key}`);
    watched.stop();
    const events = watched.events.map((event) => JSON.parse(event) as Record<string, unknown>);
    const revoked = events.filter(({ event }) => event === "session.revoked");
    expect(revoked).toEqual([
      {
        event: "session.revoked",
        subjectHash: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        reason: "DELETE /sessions",
        outcome: "done",
      },
      expect.objectContaining({ session: expect.stringMatching(/^[0-9a-f]{12}$/) as string }),
    ]);
    expect(watched.events.join("\n")).not.toContain("anderson");
  });
});

describe("the private listener", () => {
  test("lets nobody in without the token", async () => {
    const { visit, askUnknown, list } = await world();
    await visit("ann");
    for (const authorization of [
      undefined,
      "",
      "Bearer",
      "Bearer wrong",
      `Bearer ${adminToken.slice(0, -1)}`,
      `Bearer ${adminToken}0`,
      `Bearer ${adminToken} ${adminToken}`,
      `Basic ${adminToken}`,
      adminToken,
    ]) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      for (const [method, path] of [
        ["GET", "/sessions"],
        ["DELETE", "/sessions?subject=ann"],
        ["POST", "/revoke"],
        ["GET", "/elsewhere"],
      ] as const) {
        const answer = await askUnknown(method, path, { headers });
        expectTenantError(answer, 401, "QSP-UNAUTHENTICATED");
        expect(answer.header("www-authenticate")).toBe("Bearer");
        expect(answer.header("cache-control")).toBe("no-store");
      }
    }
    expect(await list()).toHaveLength(1);
  });

  test("without a token answers its probes, and tells the operator why nothing else", async () => {
    const watched = observeProcess();
    const { ask, askUnknown } = await world({ token: null, webhookSecret: null });
    watched.stop();
    expect((await askUnknown("GET", "/health/ready")).status).toBe(200);
    for (const [method, path] of [
      ["GET", "/sessions"],
      ["POST", "/revoke"],
    ] as const) {
      const error = expectTenantError(await ask(method, path), 401, "QSP-UNAUTHENTICATED");
      expect(error.detail).toContain("set admin.tokenFile");
    }
    expect(watched.events.join("\n")).toMatch(/"config\.warned".*admin\.tokenFile/);
  });

  test("says which paths and methods there are to who holds the token", async () => {
    const { ask, askUnknown } = await world();
    for (const path of ["/console", "/session", "/sessions/", "/revoke/x", "//sessions", "/%73essions"]) {
      expectTenantError(await ask("GET", path), 404, "QSP-POLICY");
    }
    for (const [method, path, allow] of [
      ["POST", "/sessions", "GET, HEAD, DELETE"],
      ["OPTIONS", "/sessions", "GET, HEAD, DELETE"],
      ["GET", "/revoke", "POST"],
    ] as const) {
      const answer = await ask(method, path);
      expectTenantError(answer, 405, "QSP-POLICY");
      expect(answer.header("allow")).toBe(allow);
    }
    const probe = await askUnknown("POST", "/health/live");
    expect([probe.status, probe.header("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("changes nothing for a page, not even with the token", async () => {
    const { visit, ask, list } = await world();
    await visit("ann");
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ] as readonly Record<string, string>[]) {
      for (const [method, path] of [
        ["DELETE", "/sessions?subject=ann"],
        ["POST", "/revoke"],
      ] as const) {
        const answer = await ask(method, path, { headers, body: '{"subject":"ann"}' });
        expectTenantError(answer, 403, "QSP-CROSS-SITE");
        expect(answer.header("access-control-allow-origin")).toBeUndefined();
      }
    }
    expect(await list()).toHaveLength(1);
    const typed = await ask("DELETE", "/sessions?subject=ann", { headers: { "sec-fetch-site": "none" } });
    expect(typed.json()).toEqual({ revoked: 1 });
  });
});
