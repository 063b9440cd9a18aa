import { describe, expect, test } from "vitest";
import { createSessionNodes, settle } from "../../test/support/session-nodes.ts";

const ann = { subject: "ann" };

describe("Agreement: several nodes over one store", () => {
  test("two nodes that both have a session restore it, and neither ends it", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    const onB = await b.acquire(ann);
    expect(nodes.tenant.logins).toBe(1);
    a.store.isDown = b.store.isDown = true;
    await nodes.pass(3000);
    nodes.core.clear();
    a.store.isDown = b.store.isDown = false;
    await nodes.pass(700);
    await Promise.all([a.acquire(ann), b.acquire(ann)]);
    await nodes.pass(3000);
    expect([onA.ended, onB.ended]).toEqual([null, null]);
    expect([...nodes.tenant.living]).toEqual(["t1"]);
  });

  test("a session of one that was logged out before and came back is restored too", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    await a.manager.logout(ann);
    await nodes.pass(5000);
    const onB = await b.acquire(ann);
    a.store.isDown = b.store.isDown = true;
    await nodes.pass(3000);
    nodes.core.clear();
    a.store.isDown = false;
    await nodes.pass(1000);
    b.store.isDown = false;
    await nodes.pass(1000);
    await b.acquire(ann);
    expect(onB.ended).toBeNull();
    expect(nodes.tenant.logins).toBe(2);
  });

  test("after a gap a session is asked for again before it is used", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    const onB = await b.acquire(ann);
    await nodes.pass(5000);
    b.store.isDeaf = true;
    await a.manager.logout(ann);
    await settle();
    b.store.isDeaf = false;
    // The answers of the store are slow: nothing must be served in the meantime.
    const release = b.store.delayAnswers("s.");
    await nodes.pass(600);
    const served = await Promise.race([b.acquire(ann, b.clock.now()).catch(() => null), settle()]);
    release();
    await nodes.pass(100);
    expect(served).not.toBe(onB);
    expect(onB.ended).toBe("logout");
  });

  test("an end that is heard while the store's older answer is under way counts", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    const release = b.store.delayAnswers("s.");
    const opening = b.acquire(ann).catch(() => null);
    await nodes.pass(100);
    await a.manager.logout(ann);
    await nodes.pass(100);
    release();
    const onB = await opening;
    await nodes.pass(1000);
    expect(onB === null || onB.ended !== null).toBe(true);
  });

  test("a process that was paused asks before it serves", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    await a.acquire(ann);
    const onB = await b.acquire(ann);
    // Time passes without any timer or message of the paused process.
    b.store.isDeaf = true;
    await a.manager.logout(ann);
    await settle();
    const from = nodes.clock.now();
    Object.assign(b.clock, { now: () => Math.max(nodes.clock.now(), from + 5000) });
    const served = await b.acquire(ann, from + 5000).catch(() => null);
    expect(served).not.toBe(onB);
  });

  test("an answer under way keeps a session alive, however long it takes", async () => {
    const nodes = createSessionNodes();
    const a = nodes.start();
    await nodes.pass(1000);
    const session = await a.acquire(ann);
    a.manager.enter(session);
    session.onEnd.add(() => {});
    await nodes.pass(40 * 60_000, 1000);
    expect(session.ended).toBeNull();
  });

  test("an older word of the host renews nothing on another node", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const old = { ...ann, groups: ["g1", "g2"] };
    await a.acquire(old);
    await b.acquire(old);
    await nodes.pass(40_000);
    const issued = b.clock.now();
    await nodes.pass(1000);
    await a.acquire({ ...ann, groups: ["g1"] });
    await nodes.pass(2000);
    expect(nodes.tenant.logins).toBe(2);
    for (let turn = 0; turn < 4; turn += 1) {
      await b.acquire(old, issued);
      await nodes.pass(35_000);
    }
    expect(nodes.tenant.logins).toBe(2);
  });

  test("a node that starts long after the others derives the same keys", async () => {
    // Documents are kept for the longest life of a session and little more.
    const nodes = createSessionNodes({ maxLifetime: 60_000 });
    const first = nodes.start();
    await nodes.pass(500);
    await nodes.pass(400_000, 250);
    const later = nodes.start();
    await nodes.pass(500, 250);
    const [one, other] = [await first.acquire(ann), await later.acquire(ann)];
    expect(other.key).toBe(one.key);
  });

  test("a node with a new secret reads what one with the old secret wrote", async () => {
    const nodes = createSessionNodes();
    const one = `secret ${"x".repeat(32)}`;
    const two = `other ${"y".repeat(32)}`;
    const a = nodes.start({ secrets: [one] });
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    const b = nodes.start({ secrets: [two, one] });
    await nodes.pass(1000);
    expect((await b.acquire(ann)).birth).toBe(onA.birth);
  });

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

  test("a failover that loses a renewal: both nodes keep the session", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    const onB = await b.acquire(ann);
    const dump = nodes.core.dump();
    await a.manager.generations.renew(onA, onA.current, "lifetime");
    await nodes.pass(500);
    a.store.isDown = b.store.isDown = true;
    await nodes.pass(2000);
    nodes.core.rollBack(dump);
    a.store.isDown = b.store.isDown = false;
    await nodes.pass(3000);
    expect([onA.ended, onB.ended]).toEqual([null, null]);
    expect([...nodes.tenant.living].includes("t2")).toBe(true);
    expect((await b.acquire(ann)).current.generation).toBe(2);
  });
});
