import { describe, expect, test } from "vitest";
import { createSessionNodes } from "../../test/support/session-nodes.ts";
import type { ProxySession } from "../session/proxy-session.ts";

const ann = { subject: "ann" };

const names = ({ current }: ProxySession): string[] =>
  current.jar
    .snapshot()
    .map(({ name }) => name)
    .sort();

describe("known faults", () => {
  test("a cookie that is just being shared is not lost to what another node shares", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    const onB = await b.acquire(ann);
    const answer = (cookie: string) => ({ status: 200, setCookies: [cookie], authLoss: false });
    a.manager.absorb(onA, onA.current, answer("eas.one=1; path=/; secure"));
    await nodes.pass(50, 10);
    b.manager.absorb(onB, onB.current, answer("eas.two=2; path=/; secure"));
    await nodes.pass(900, 10);
    // The answers to A are slow: B writes between A's reading and its writing, and A hears of it before.
    const release = a.store.delayAnswers("s.");
    await nodes.pass(300, 10);
    release();
    await nodes.pass(3000);
    expect(names(onA)).toEqual(["eas.one", "eas.sid", "eas.two"]);
    expect(names(onB)).toEqual(["eas.one", "eas.sid", "eas.two"]);
  });

  test("a session in use is not taken for idle after an outage that was longer than its idle time", async () => {
    const nodes = createSessionNodes({ idleTimeout: 40_000 });
    const [a] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    a.store.isDown = true;
    for (let s = 0; s < 50; s += 1) {
      await nodes.pass(1000);
      a.manager.touch(onA);
    }
    a.store.isDown = false;
    await nodes.pass(3000);
    expect(onA.ended).toBeNull();
  });
});
