import { describe, expect, test } from "vitest";
import { createSessionNodes } from "../../test/support/session-nodes.ts";

const ann = { subject: "ann" };
const hour = 3_600_000;

describe("Endings: several nodes over one store", () => {
  test("a log-out that a failover loses is known to the nodes that heard of it", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const owner = { subject: "ann", sessionId: "host 1" };
    await a.acquire(owner);
    await b.acquire(owner);
    const dump = nodes.core.dump();
    await a.manager.logout(owner);
    await nodes.pass(1000);
    // The node of the log-out dies together with the store's master; the replica was behind.
    a.store.isDown = true;
    nodes.core.rollBack(dump);
    await nodes.pass(5000);
    await expect(b.acquire(owner)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
  });

  test("who is blocked for a month is blocked for a month, whoever writes meanwhile", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    await a.manager.revoke("ann", 30 * 24 * hour);
    await a.manager.close();
    await b.manager.close();
    await nodes.pass(1000);
    // Another node, with another secret first, writes what it reads.
    const secrets = [`new ${"y".repeat(32)}`, `secret ${"x".repeat(32)}`] as const;
    const c = nodes.start({ secrets });
    await nodes.pass(1000);
    await expect(c.acquire(ann)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
    await c.manager.close();
    await nodes.pass(7 * 24 * hour, hour);
    const d = nodes.start({ secrets });
    await nodes.pass(1000);
    await expect(d.acquire(ann)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
  });

  test("a host's word that was shortened ends the session though the others know the longer one", async () => {
    const nodes = createSessionNodes();
    const [a] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const now = a.clock.now();
    const session = await a.acquire({ ...ann, expiresAt: now + hour });
    await nodes.pass(100);
    await a.acquire({ ...ann, expiresAt: now + 20_000 });
    await nodes.pass(25_000);
    expect(session.ended).toBe("expired");
  });

  test("a host session that signed in after a revocation is not barred by a late word of it", async () => {
    const nodes = createSessionNodes();
    const a = nodes.start();
    await nodes.pass(1000);
    await a.acquire({ ...ann, sessionId: "one" });
    const index = [...nodes.core.dump()].filter(([name]) => name.startsWith("i."));
    await a.manager.revoke("ann", 0);
    a.store.isDown = true;
    await nodes.pass(60_000);
    // The store lost the revocation; one node remembers it, and tells of it while another logs in that never knew.
    nodes.core.rollBack(new Map(index));
    const b = nodes.start();
    await nodes.pass(1000);
    let open = (): void => {};
    nodes.tenant.gate = new Promise((resolve) => (open = resolve));
    const opening = b.acquire({ ...ann, sessionId: "two" });
    await nodes.pass(500);
    a.store.isDown = false;
    await nodes.pass(1500);
    open();
    nodes.tenant.gate = null;
    await nodes.pass(4000);
    const session = await opening;
    expect(session.ended).toBeNull();
    expect(await b.acquire({ ...ann, sessionId: "two" })).toBe(session);
  });

  test("the tenant is told of a log-out whose answer was lost", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await b.acquire(ann);
    a.store.losesAnswers = true;
    await expect(a.manager.logout(ann)).rejects.toMatchObject({ code: "QSP-STORE" });
    a.store.losesAnswers = false;
    await nodes.pass(5000);
    expect([...nodes.tenant.living]).toEqual([]);
  });

  test("an answer that takes its time on the way back does not prolong the host's word", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire({ ...ann, expiresAt: a.clock.now() + 20_000 });
    const onB = await b.acquire({ ...ann, expiresAt: a.clock.now() + 20_000 });
    // The way back from the store is longer: the clocks seem 50 ms further apart.
    let way = 0;
    const read = b.store.read.bind(b.store);
    b.store.read = async (name) => {
      const answer = await read(name);
      way = (way + 7) % 50;
      return { ...answer, now: answer.now - way };
    };
    await nodes.pass(22_000);
    expect([onA.ended, onB.ended]).toEqual(["expired", "expired"]);
  });
});

describe.each([-600_000, 0, 600_000])(
  "Endings: a node whose clock is %d ms ahead of the store's",
  (ahead) => {
    test("leaves a session alone that another node uses, and ends it when nobody does", async () => {
      const nodes = createSessionNodes({ idleTimeout: 60_000 });
      const [a, b] = [nodes.start({ ahead }), nodes.start()];
      await nodes.pass(1000);
      const onA = await a.acquire(ann);
      const onB = await b.acquire(ann);
      for (let turn = 0; turn < 20; turn += 1) {
        await nodes.pass(10_000, 250);
        b.manager.touch(await b.acquire(ann));
      }
      expect([onA.ended, onB.ended]).toEqual([null, null]);
      await nodes.pass(80_000, 250);
      expect([onA.ended, onB.ended]).toEqual(["idle", "idle"]);
      expect(nodes.tenant.living.size).toBe(0);
    });

    test("agrees with the others about who may come back after a log-out", async () => {
      const nodes = createSessionNodes();
      const [a, b] = [nodes.start({ ahead }), nodes.start()];
      await nodes.pass(1000);
      await a.acquire(ann);
      const onB = await b.acquire(ann);
      await a.manager.logout(ann);
      await nodes.pass(300);
      expect(onB.ended).toBe("logout");
      await expect(b.acquire(ann)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
      await expect(a.acquire(ann)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
      await nodes.pass(2000);
      const again = await b.acquire(ann);
      expect((await a.acquire(ann)).birth).toBe(again.birth);
      await b.manager.logout(ann);
      await nodes.pass(300);
      await expect(a.acquire(ann)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
    });

    test("ends a session by the newest word of the host, though the store knows a longer one", async () => {
      const nodes = createSessionNodes();
      const [a] = [nodes.start({ ahead }), nodes.start()];
      await nodes.pass(1000);
      const now = a.clock.now();
      const session = await a.acquire({ ...ann, expiresAt: now + hour });
      await nodes.pass(100);
      // The store is away just when it would be told.
      a.store.isDown = true;
      await a.acquire({ ...ann, expiresAt: now + 5000 });
      await nodes.pass(500);
      a.store.isDown = false;
      await nodes.pass(10_000);
      expect(session.ended).toBe("expired");
    });

    test("goes on with a session for which another node heard a longer word", async () => {
      const nodes = createSessionNodes();
      const [a, b] = [nodes.start({ ahead }), nodes.start()];
      await nodes.pass(1000);
      const onA = await a.acquire({ ...ann, expiresAt: a.clock.now() + 20_000 });
      const onB = await b.acquire({ ...ann, expiresAt: b.clock.now() + 20_000 });
      expect(onB.birth).toBe(onA.birth);
      await nodes.pass(10_000);
      await b.acquire({ ...ann, expiresAt: b.clock.now() + hour });
      await nodes.pass(40_000);
      expect([onA.ended, onB.ended]).toEqual([null, null]);
      expect(nodes.tenant.logins).toBe(1);
    });
  },
);
