import { describe, expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { answered, nodeSecret, startProxyNodes, type ProxyNodes } from "../support/proxy-nodes.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { settle } from "../support/session-nodes.ts";
import { NodeStore } from "../support/shared-memory-store.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

/* A store that is stolen, lies, or is away. */

const started = cleanedUp();
const path = "/api/v1/items/1";
const [oldSecret, newSecret, otherSecret] = ["o".repeat(32), "n".repeat(32), "x".repeat(32)];

const ask = (world: ProxyNodes, stack: Stack, user: string | null = "ann"): Promise<RawAnswer> =>
  answered(world, stack.get(path, { user }));

/** Status and text or code. */
const brief = (answer: RawAnswer): string =>
  `${answer.status} ${/"code":"(QSP-[A-Z-]+)"/.exec(answer.text)?.[1] ?? answer.text}`;

describe("a copy of the store (attacks S4)", () => {
  /** A text as it would stand in a document, in any of the usual spellings. */
  const spellings = (secret: string): readonly string[] => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1),
    Buffer.from(secret).toString("hex"),
  ];

  test("shows no cookie, no token, no name of a user or a host session, nor do the notices", async () => {
    const world = await startProxyNodes(started);
    const notices: string[] = [];
    world.core.subscribe((message) => notices.push(message));
    const identity = {
      subject: "ann-canary",
      email: "canary@acme.test",
      groups: ["group-canary"],
      sessionId: "host-canary",
    };
    const { stack } = await world.start({ proxy: { identify: () => identity } });
    expect((await ask(world, stack)).text).toBe("ann-canary~1");
    await stack.get(path, { method: "GET" });
    await world.pass(2000);
    await stack.proxy.revoke({ subject: "ann-canary" });
    const documents = [...world.core.dump()].flatMap(([name, { value }]) => [name, value]);
    expect(documents.length).toBeGreaterThan(2);
    expect(notices.length).toBeGreaterThan(2);
    const secrets = [
      "ann-canary",
      "canary@acme.test",
      "group-canary",
      "host-canary",
      "ann-canary~1",
      "eas.sid",
      "_csrfToken",
    ];
    for (const text of [...documents, ...notices]) {
      for (const secret of secrets.flatMap(spellings)) expect(text.includes(secret)).toBe(false);
    }
  });

  test("opens nothing for somebody with another secret", async () => {
    const world = await startProxyNodes(started);
    const { stack } = await world.start();
    expect((await ask(world, stack)).text).toBe("ann~1");
    const thief = await world.start({ proxy: { secret: otherSecret } });
    const heard = world.tenant.seen.length;
    expect(brief(await ask(world, thief.stack))).toBe("503 QSP-STORE");
    expect(world.tenant.seen.slice(heard)).toEqual([]);
    // And the others do not lose by it.
    expect((await ask(world, stack)).text).toBe("ann~1");
  });
});

describe("a store that gives the wrong record (attacks S5)", () => {
  test("of another user: it is none, and nobody gets the other's session", async () => {
    const world = await startProxyNodes(started);
    const { stack } = await world.start();
    for (const user of ["ann", "bob"]) expect((await ask(world, stack, user)).status).toBe(200);
    const before = world.core.dump();
    const [one, other] = [...before.keys()].filter((name) => name.startsWith("s.")) as [string, string];
    const swapped = new Map(before);
    swapped.set(one, before.get(other) as never);
    swapped.set(other, before.get(one) as never);
    world.core.rollBack(swapped);
    // A node that knows neither of them has the store's word alone.
    const fresh = await world.start();
    expect((await ask(world, fresh.stack, "ann")).text).toMatch(/^ann~[34]$/);
    expect((await ask(world, fresh.stack, "bob")).text).toMatch(/^bob~[34]$/);
  });

  test("that was changed: it is none", async () => {
    const world = await startProxyNodes(started);
    const { stack } = await world.start();
    expect((await ask(world, stack)).text).toBe("ann~1");
    const changed = new Map(world.core.dump());
    for (const [name, document] of changed) {
      if (!name.startsWith("s.")) continue;
      const at = document.value.length - 20;
      const letter = document.value[at] === "A" ? "B" : "A";
      changed.set(name, {
        ...document,
        value: document.value.slice(0, at) + letter + document.value.slice(at + 1),
      });
    }
    world.core.rollBack(changed);
    const fresh = await world.start();
    expect((await ask(world, fresh.stack)).text).toBe("ann~2");
  });
});

describe("a store that is away (attacks S9)", () => {
  test("at the start: nobody is let in and no login is made; it works by itself when the store is there", async () => {
    const world = await startProxyNodes(started);
    const down = new NodeStore(world.core);
    down.isDown = true;
    const { stack } = await world.start({ proxy: { store: down } });
    expect(brief(await ask(world, stack))).toBe("503 QSP-STORE");
    expect((await ask(world, stack, null)).status).toBe(401);
    expect((await answered(world, stack.get("/_session"))).status).toBe(503);
    expect(stack.proxy.stats().storeReachable).toBe(false);
    expect(world.tenant.logins).toEqual([]);
    down.isDown = false;
    await world.pass(2000);
    expect((await ask(world, stack)).text).toBe("ann~1");
  });

  test("during a request: who is in is served, nobody else is, for requests and upgrades", async () => {
    const world = await startProxyNodes(started);
    const { stack, store } = await world.start();
    await ask(world, stack);
    const latch = createLatch();
    world.tenant.onCall(() => latch.opened.then(() => true));
    const underway = stack.get(path);
    await expect.poll(() => world.tenant.seen.length).toBe(2);
    store.isDown = true;
    latch.open();
    expect((await underway).text).toBe("ann~1");
    expect((await ask(world, stack)).text).toBe("ann~1");
    expect(brief(await ask(world, stack, "bob"))).toBe("503 QSP-STORE");
    expect((await ask(world, stack, null)).status).toBe(401);
    const socket = stack.socket("/app/x", { user: "bob" });
    let refused: unknown;
    void socket.refused.then(({ status }) => (refused = status));
    for (let turn = 0; turn < 100 && refused === undefined; turn += 1) {
      await world.pass(100, 100);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(refused).toBe(503);
    expect(world.tenant.logins.map(({ subject }) => subject)).toEqual(["ann"]);
    store.isDown = false;
    await world.pass(2000);
    expect((await ask(world, stack, "bob")).text).toBe("bob~2");
  });

  test("during a renewal: who waits is told so, and the session that came of it is used or ended, not lost", async () => {
    const world = await startProxyNodes(started);
    const { stack, store } = await world.start();
    await ask(world, stack);
    const latch = createLatch();
    world.tenant.onLogin(() => latch.opened);
    world.tenant.lost.add("ann~1");
    const waiting = answered(world, stack.get(path));
    await expect.poll(() => world.tenant.logins.length).toBe(2);
    store.isDown = true;
    latch.open();
    expect(brief(await waiting)).toBe("503 QSP-STORE");
    store.isDown = false;
    await world.pass(3000);
    expect((await ask(world, stack)).text).toBe("ann~2");
    expect(world.tenant.logins).toHaveLength(2);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, inFlight: 0, storeReachable: true });
  });
});

describe("secrets that change (attacks S14)", () => {
  test("what the old one sealed is good as long as it is listed, and is sealed anew", async () => {
    const world = await startProxyNodes(started);
    const before = await world.start({ proxy: { secret: oldSecret } });
    expect((await ask(world, before.stack)).text).toBe("ann~1");
    const both = await world.start({ proxy: { secret: [newSecret, oldSecret] } });
    expect((await ask(world, both.stack)).text).toBe("ann~1");
    await before.stack.proxy.close();
    await both.stack.proxy.close();
    // The old one is off the list: what is sealed with the new one is good.
    const after = await world.start({ proxy: { secret: newSecret } });
    await settle();
    expect((await ask(world, after.stack)).text).toBe("ann~1");
    expect(world.tenant.logins).toHaveLength(1);
  });

  test("what is sealed with a secret that is not listed opens nothing, for documents and notices", async () => {
    const world = await startProxyNodes(started);
    const { stack } = await world.start({ proxy: { secret: nodeSecret } });
    expect((await ask(world, stack)).text).toBe("ann~1");
    const forger = await startProxyNodes(started);
    const elsewhere = await forger.start({ proxy: { secret: otherSecret } });
    forger.core.subscribe((message) => void world.core.publish(message));
    await ask(forger, elsewhere.stack);
    await elsewhere.stack.proxy.revoke({ subject: "ann" });
    const forged = [...forger.core.dump()].find(([name]) => name.startsWith("s."))?.[1];
    const [own] = [...world.core.dump().keys()].filter((name) => name.startsWith("s."));
    world.core.rollBack(new Map(world.core.dump()).set(own ?? "", forged as never));
    await world.pass(1000);
    // The node knows its session, and gives it back to the store that has lost it.
    expect((await ask(world, stack)).text).toBe("ann~1");
  });
});
