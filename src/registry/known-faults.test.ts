import { describe, expect, test } from "vitest";
import { createSessionNodes } from "../../test/support/session-nodes.ts";

const ann = { subject: "ann" };
const hour = 3_600_000;

describe("known faults", () => {
  test("a node whose index was replaced by an older one takes it over", async () => {
    const nodes = createSessionNodes();
    const a = nodes.start();
    await nodes.pass(1000);
    a.store.isDown = true;
    await nodes.pass(2000);
    nodes.core.clear();
    const c = nodes.start();
    await nodes.pass(1000);
    await c.acquire({ subject: "bob" });
    a.store.isDown = false;
    await nodes.pass(90_000, 250);
    expect((await c.acquire(ann)).key).toBe((await a.acquire(ann)).key);
  });

  test("sessions that the store lost are given back before anybody asks for them", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    a.store.isDown = b.store.isDown = true;
    await nodes.pass(3000);
    nodes.core.clear();
    a.store.isDown = b.store.isDown = false;
    await nodes.pass(2000);
    await b.acquire(ann);
    expect(nodes.tenant.logins).toBe(1);
  });

  test("read answer that was made while the bus was deaf is not believed", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    const onB = await b.acquire(ann);
    await nodes.pass(8000);
    const release = b.store.delayAnswers("s.");
    b.store.isDeaf = true;
    b.acquire(ann).catch(() => null);
    await nodes.pass(10, 10);
    await a.manager.logout(ann);
    await nodes.pass(10, 10);
    b.store.isDeaf = false;
    await nodes.pass(350, 10);
    release();
    await nodes.pass(1500);
    const served = await b.acquire(ann, b.clock.now()).catch(() => null);
    expect(served).not.toBe(onB);
  });

  test("renewal: cookies replaced on two nodes at once are both kept", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    const onB = await b.acquire(ann);
    const answer = (cookie: string) => ({ status: 200, setCookies: [cookie], authLoss: false });
    a.manager.absorb(onA, onA.current, answer("eas.one=1; path=/; secure"));
    b.manager.absorb(onB, onB.current, answer("eas.two=2; path=/; secure"));
    await nodes.pass(5000);
    const names = (s: typeof onA) =>
      s.current.jar
        .snapshot()
        .map(({ name }) => name)
        .sort();
    expect(names(onA)).toEqual(["eas.one", "eas.sid", "eas.two"]);
    expect(names(onB)).toEqual(["eas.one", "eas.sid", "eas.two"]);
  });

  test("a failed login of one that was overtaken does not fail who waits for the other", async () => {
    const nodes = createSessionNodes();
    const [a, b, c] = [nodes.start(), nodes.start(), nodes.start()];
    await nodes.pass(1000);
    let openA = (): void => {};
    nodes.tenant.gate = new Promise((r) => (openA = r));
    const first = a.acquire(ann).catch((e: unknown) => e);
    await nodes.pass(100);
    a.store.isHanging = true; // paused: its lease runs out
    let openB = (): void => {};
    nodes.tenant.gate = new Promise((r) => (openB = r));
    await nodes.pass(4000);
    const second = b.acquire(ann);
    await nodes.pass(200);
    const third = c.acquire(ann).catch((e: { code: string }) => e.code);
    await nodes.pass(200);
    a.store.isHanging = false;
    nodes.tenant.refusal = { status: 503, headers: [], body: Buffer.from("") };
    nodes.tenant.gate = null;
    openA();
    await nodes.pass(600);
    nodes.tenant.refusal = null;
    openB();
    await nodes.pass(600);
    await first;
    const b2 = await second;
    expect(b2.ended).toBeNull();
    expect(await third).toMatchObject({ birth: b2.birth });
  });

  describe.each([-600_000, 0, 600_000])("a node whose clock is %d ms ahead of the store's", (ahead) => {
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
  });
});
