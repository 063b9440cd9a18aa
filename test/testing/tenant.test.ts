import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createTestTenant, nextEvent } from "../../src/testing.ts";
import { startTestedApp, type TestedApp } from "./app.ts";

const alice = "alice@example.test";
const me = "/api/v1/users/me";
const minute = 60_000;

let app: TestedApp;
beforeAll(async () => {
  app = await startTestedApp({ sessionIdle: 2 * 60 * minute, sessionLifetime: 15 * minute });
});
afterAll(() => app.close());

const subjectOf = async (answer: Response): Promise<string> =>
  ((await answer.json()) as { subject: string }).subject;

describe("a test tenant", () => {
  test("signs people in without a sign-in, with what their login would say", async () => {
    expect(await subjectOf(await app.get(me, alice))).toBe(alice);
    expect(app.tenant.emulator.users.list()).toMatchObject([
      { subject: alice, name: "Alice Johansson", groups: ["Sales EMEA"] },
    ]);
    const headers = app.tenant.signedIn({
      subject: "carl",
      name: "Carl Ö",
      email: "carl@example.test",
      groups: ["é"],
      sessionId: "s1",
    });
    expect(await subjectOf(await fetch(`${app.origin}/qlik${me}`, { headers }))).toBe("carl");
    expect(app.tenant.emulator.users.list()[1]).toMatchObject({ name: "Carl Ö", groups: ["é"] });
  });

  test("takes no cookie but its own, and that only once", async () => {
    expect((await app.get(me)).status).toBe(401);
    const other = await createTestTenant();
    const { name, value } = app.tenant.signedInCookie(alice);
    const cookies = [
      other.signedIn(alice)["cookie"] ?? "",
      `${name}=`,
      `${name}=e30`,
      `${name}=${value.slice(0, -2)}`,
      `${name}=x${value}`,
      `${name}=${value}; ${name}=${value}`,
    ];
    await other.close();
    for (const cookie of cookies) {
      const { status } = await fetch(`${app.origin}/qlik${me}`, { headers: { cookie } });
      expect([cookie, status]).toEqual([cookie, 401]);
    }
  });

  test("loses a session: it is renewed, and the request is answered", async () => {
    await app.get(me, alice);
    const renewed = nextEvent("session.renewed");
    // A session that has just begun is not renewed: rules R5.
    app.tenant.clock.advance(11_000);
    expect(app.tenant.emulator.sessions.expire(alice)).toBe(1);
    expect((await app.get(me, alice)).status).toBe(200);
    expect((await renewed).reason).toBe("auth-loss");
  });

  test("shares its time with the proxy: a session is renewed in the background, then ends unused", async () => {
    await app.get(me, alice);
    const renewed = nextEvent("session.renewed", { where: ({ reason }) => reason === "lifetime" });
    app.tenant.clock.advance(14 * minute);
    await renewed;
    const ended = nextEvent("session.ended", { where: ({ reason }) => reason === "idle" });
    app.tenant.clock.advance(21 * minute);
    await ended;
    const created = nextEvent("session.created");
    expect((await app.get(me, alice)).status).toBe(200);
    await created;
  });

  test("signs in sockets too; a log-out ends them", async () => {
    const headers = app.tenant.signedIn(alice, { origin: app.origin });
    const socket = new WebSocket(`${app.origin.replace("http", "ws")}/qlik/app/engineData`, { headers });
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    const first = await new Promise<string>((resolve, reject) => {
      socket.on("message", (data: Buffer) => resolve(data.toString("utf8")));
      socket.on("error", reject);
    });
    expect(first).toContain("OnConnected");
    const ended = nextEvent("session.ended");
    expect((await fetch(`${app.origin}/qlik/_session`, { method: "DELETE", headers })).status).toBe(204);
    expect([await closed, (await ended).reason]).toEqual([4203, "logout"]);
  });

  test("fails when it is told to, and is whole again afterwards", async () => {
    app.tenant.emulator.enqueue({ path: me, status: 503 });
    expect((await app.get(me, "dora")).status).toBe(503);
    expect((await app.get(me, "dora")).status).toBe(200);
  });
});

describe("the next event", () => {
  test("that does not come is told of, with what came instead", async () => {
    const waiting = nextEvent("session.revoked", { within: 1500 });
    const outcome = waiting.catch((error: unknown) => String(error));
    await app.get(me, "erik");
    expect(await outcome).toMatch(
      /^Error: No session\.revoked within 1500 ms; there was: .*login\.succeeded.*session\.created/,
    );
    await expect(nextEvent("session.revoked", { within: 1 })).rejects.toThrow("no event at all");
  });

  test("is the one that is asked for: a question that throws is an answer", async () => {
    const failing = nextEvent("session.created", {
      where() {
        throw new Error("wrong question");
      },
    });
    const outcome = failing.catch(String);
    await app.get(me, "fred");
    expect(await outcome).toBe("Error: wrong question");
    await expect(nextEvent("server.started")).rejects.toThrow("log of the server only");
  });
});
