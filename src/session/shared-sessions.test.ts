import { describe, expect, test } from "vitest";
import { createSessionNodes, type SessionNode, type SessionNodes } from "../../test/support/session-nodes.ts";
import { type EndReason, mayFinish, type ProxySession } from "./proxy-session.ts";

const ann = { subject: "ann" };

/** Two nodes that hear each other. */
async function twoNodes(
  ...durations: Parameters<typeof createSessionNodes>
): Promise<[SessionNodes, SessionNode, SessionNode]> {
  const nodes = createSessionNodes(...durations);
  const [a, b] = [nodes.start(), nodes.start()];
  await nodes.pass(1000);
  return [nodes, a, b];
}

/** A session that both nodes have, with a socket on the second. */
async function onBoth(
  a: SessionNode,
  b: SessionNode,
  identity: Parameters<SessionNode["acquire"]>[0] = ann,
): Promise<[ProxySession, ProxySession]> {
  const [onA, onB] = [await a.acquire(identity), await b.acquire(identity)];
  b.sockets.add(onB);
  return [onA, onB];
}

const cookieOf = ({ current }: ProxySession, name: string): string | undefined =>
  current.jar.snapshot().find((each) => each.name === name)?.value;

describe("one session on several nodes", () => {
  test("first requests on several nodes at once meet in one login", async () => {
    const nodes = createSessionNodes();
    const all = [nodes.start(), nodes.start(), nodes.start()];
    await nodes.pass(1000);
    let open = (): void => {};
    nodes.tenant.gate = new Promise((resolve) => (open = resolve));
    const requests = all.flatMap((node) => Array.from({ length: 20 }, () => node.acquire(ann)));
    const first = Promise.all(requests);
    // Longer than the lease lasts without being renewed.
    await nodes.pass(8000);
    open();
    await nodes.pass(100);
    const sessions = await first;
    expect(nodes.tenant.logins).toBe(1);
    expect(new Set(sessions.map(({ birth }) => birth)).size).toBe(1);
    expect(new Set(sessions).size).toBe(3);
  });

  test("where a node gives up all sessions, what others have under way may finish, and nothing is kept at the tenant", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    const reasons: EndReason[] = [];
    onB.onEnd.add((reason) => void reasons.push(reason));
    const over = a.manager.endAll();
    await nodes.pass(500);
    await over;
    expect([onA.ended !== null, reasons.map(mayFinish)]).toEqual([true, [true]]);
    expect(nodes.tenant.living.size).toBe(0);
  });

  test("a login that the tenant refuses is one refusal for all who wait for it", async () => {
    const [nodes, a, b] = await twoNodes();
    nodes.tenant.refusal = { status: 403, headers: [], body: Buffer.from("") };
    const outcomes = [a, b, a, b].map((node) =>
      node.acquire(ann).catch((error: { code: string }) => error.code),
    );
    await nodes.pass(500);
    expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 4 }, () => "QSP-USER-REFUSED"));
    expect(nodes.tenant.logins).toBe(1);
  });

  test("a node that dies in the middle of a login holds up the others for no longer than its lease", async () => {
    const [nodes, a, b] = await twoNodes();
    nodes.tenant.gate = new Promise(() => {});
    void a.acquire(ann);
    await nodes.pass(500);
    a.store.isHanging = true;
    nodes.tenant.gate = null;
    const waiting = b.acquire(ann);
    await nodes.pass(3500);
    expect((await waiting).ended).toBeNull();
    expect(nodes.tenant.logins).toBe(2);
  });

  test("a renewal on one node is the new generation of the other", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    await a.manager.generations.renew(onA, onA.current, "lifetime");
    await nodes.pass(100);
    expect([onB.current.generation, cookieOf(onB, "eas.sid")]).toEqual([2, "t2"]);
    expect(onB.ended).toBeNull();
    await b.manager.generations.renew(onB, [...onB.older][0] ?? onB.current, "auth-loss");
    expect(nodes.tenant.logins).toBe(2);
  });

  test("two nodes that renew at once make one generation", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    await Promise.all([
      a.manager.generations.renew(onA, onA.current, "lifetime"),
      b.manager.generations.renew(onB, onB.current, "lifetime"),
    ]);
    await nodes.pass(100);
    expect(nodes.tenant.logins).toBe(2);
    expect([cookieOf(onA, "eas.sid"), cookieOf(onB, "eas.sid")]).toEqual(["t2", "t2"]);
  });

  test("cookies that the tenant replaced on one node are sent by the other", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    const setCookies = ["eas.sid=new; path=/; secure", "lb=one; path=/"];
    a.manager.absorb(onA, onA.current, { status: 200, setCookies, authLoss: false });
    await nodes.pass(2000);
    expect([cookieOf(onB, "eas.sid"), cookieOf(onB, "lb")]).toEqual(["new", undefined]);
    expect(cookieOf(onA, "lb")).toBe("one");
  });

  test("a group that was taken away moves the sockets on every node", async () => {
    const [nodes, a, b] = await twoNodes();
    const [, onB] = await onBoth(a, b, { ...ann, groups: ["g1", "g2"] });
    await nodes.pass(40_000);
    await a.acquire({ ...ann, groups: ["g1"] });
    await nodes.pass(1000);
    expect(onB.current.claims.groups).toEqual(["g1"]);
    expect(b.closed.map(({ code, reason }) => [code, reason])).toEqual([[4003, "QSP-CLAIMS"]]);
    expect(nodes.tenant.logins).toBe(2);
  });

  test("a session that begins with what another one knew better does not go back to its own word", async () => {
    const [nodes, a] = await twoNodes();
    const at = nodes.clock.now();
    await a.acquire({ ...ann, sessionId: "one", groups: ["new"] }, at);
    const older = { ...ann, sessionId: "two", groups: ["old"] };
    const session = await a.acquire(older, at - 60_000);
    // Otherwise it would be renewed for that again and again, each time with the newer one.
    expect([session.current.claims.groups, session.claims.groups]).toEqual([["new"], ["new"]]);
    await nodes.pass(40_000, 1000);
    await a.acquire(older, at - 60_000);
    await nodes.pass(1000);
    expect(nodes.tenant.logins).toBe(2);
  });

  test("a node that closes leaves its sessions to the others", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    await a.manager.close();
    await nodes.pass(3000);
    expect([onA.ended, onB.ended]).toEqual(["closed", null]);
    expect((await b.acquire(ann)).birth).toBe(onA.birth);
    expect([...nodes.tenant.living]).toEqual(["t1"]);
  });

  test("while the store is down a known session is served for a minute, and nobody else", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA] = await onBoth(a, b);
    a.store.isDown = true;
    const served = async (): Promise<unknown> => {
      const request = a.acquire(ann).catch((error: { code: string }) => error.code);
      await nodes.pass(1000);
      return request;
    };
    await nodes.pass(50_000);
    expect(await served()).toBe(onA);
    await nodes.pass(15_000);
    expect(await served()).toBe("QSP-STORE");
    const stranger = a.acquire({ subject: "bob" }).catch((error: { code: string }) => error.code);
    await nodes.pass(1000);
    expect(await stranger).toBe("QSP-STORE");
    expect(a.manager.storeReachable).toBe(false);
    a.store.isDown = false;
    await nodes.pass(1000);
    expect(await served()).toBe(onA);
    expect(a.manager.storeReachable).toBe(true);
  });
});

describe("out means out, on every node", () => {
  test("a log-out closes the sockets of the other node, and the tenant is told once", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    await nodes.pass(5000);
    await a.manager.logout(ann);
    await nodes.pass(100);
    expect([onA.ended, onB.ended]).toEqual(["logout", "logout"]);
    expect(b.closed).toEqual([{ session: onB, code: 4203, reason: "QSP-LOGOUT" }]);
    expect([...nodes.tenant.living]).toEqual([]);
  });

  test("also where the bus was cut long before: within two seconds of the silence", async () => {
    const [nodes, a, b] = await twoNodes();
    const [, onB] = await onBoth(a, b);
    b.store.isDeaf = true;
    await nodes.pass(5000);
    await a.manager.logout(ann);
    await nodes.pass(2100);
    expect(onB.ended).toBe("logout");
    expect(b.closed.map(({ code }) => code)).toEqual([4203]);
  });

  test("also where the bus is cut at that moment", async () => {
    const [nodes, a, b] = await twoNodes();
    const [, onB] = await onBoth(a, b);
    await nodes.pass(5000);
    b.store.isDeaf = true;
    await a.manager.logout(ann);
    await nodes.pass(2500);
    expect(onB.ended).toBe("logout");
  });

  test("a login under way on another node is refused, and its tenant session ended", async () => {
    const [nodes, a, b] = await twoNodes();
    let open = (): void => {};
    nodes.tenant.gate = new Promise((resolve) => (open = resolve));
    const request = b.acquire(ann).catch((error: { code: string }) => error.code);
    await nodes.pass(500);
    await a.manager.logout(ann);
    open();
    await nodes.pass(500);
    expect(await request).toBe("QSP-UNAUTHENTICATED");
    expect([...nodes.tenant.living]).toEqual([]);
  });

  test("a renewal under way on another node too", async () => {
    const [nodes, a, b] = await twoNodes();
    const [, onB] = await onBoth(a, b);
    let open = (): void => {};
    nodes.tenant.gate = new Promise((resolve) => (open = resolve));
    const renewal = b.manager.generations
      .renew(onB, onB.current, "lifetime")
      .catch((error: { code: string }) => error.code);
    await nodes.pass(500);
    await a.manager.logout(ann);
    open();
    await nodes.pass(500);
    expect(await renewal).toBe("QSP-UNAUTHENTICATED");
    expect(onB.ended).toBe("logout");
    expect([...nodes.tenant.living]).toEqual([]);
  });

  test("a log-out during an outage holds here at once, and everywhere when the store is back", async () => {
    const [nodes, a, b] = await twoNodes();
    const [onA, onB] = await onBoth(a, b);
    a.store.isDown = true;
    await expect(a.manager.logout(ann)).rejects.toMatchObject({ code: "QSP-STORE" });
    expect(onA.ended).toBe("logout");
    await nodes.pass(3000);
    expect(onB.ended).toBeNull();
    a.store.isDown = false;
    await nodes.pass(1500);
    expect(onB.ended).toBe("logout");
  });

  test("a log-out that comes late does not end a session for which the host vouched after it", async () => {
    const [nodes, a, b] = await twoNodes();
    await a.acquire(ann);
    a.store.isDown = true;
    await expect(a.manager.logout(ann)).rejects.toMatchObject({ code: "QSP-STORE" });
    await nodes.pass(500);
    await b.manager.logout(ann);
    await nodes.pass(5000);
    const onB = await b.acquire(ann);
    a.store.isDown = false;
    await nodes.pass(3000);
    expect(onB.ended).toBeNull();
    expect((await a.acquire(ann)).birth).toBe(onB.birth);
  });

  test("a revocation ends every session of the subject, and nobody else's", async () => {
    const [nodes, a, b] = await twoNodes();
    const one = await a.acquire({ ...ann, sessionId: "1" });
    const two = await b.acquire({ ...ann, sessionId: "2" });
    const other = await b.acquire({ subject: "bob" });
    await a.manager.revoke("ann", 0);
    await nodes.pass(200);
    expect([one.ended, two.ended, other.ended]).toEqual(["revoked", "revoked", null]);
    await nodes.pass(10_000);
    for (const sessionId of ["1", "2"])
      await expect(b.acquire({ ...ann, sessionId })).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
    expect((await b.acquire({ ...ann, sessionId: "3" })).ended).toBeNull();
  });

  test("the longest life ends a session on every node, with a code that brings sockets back", async () => {
    const [nodes, a, b] = await twoNodes({ maxLifetime: 30_000, idleTimeout: 60_000 });
    const [onA, onB] = await onBoth(a, b);
    await nodes.pass(31_000);
    expect([onA.ended, onB.ended]).toEqual(["lifetime", "lifetime"]);
    expect(b.closed.map(({ code }) => code)).toEqual([4003]);
    expect([...nodes.tenant.living]).toEqual([]);
  });

  test("also while the other node asks the store about the session", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    const onA = await a.acquire(ann);
    const onB = await b.acquire(ann);
    await nodes.pass(20_000);
    const release = b.store.delayAnswers("s.");
    const r = b.acquire(ann).catch(() => null);
    await nodes.pass(50, 10);
    await a.manager.logout(ann);
    await nodes.pass(50, 10);
    release();
    expect(await r).not.toBe(onB);
    expect([onA.ended, onB.ended]).toEqual(["logout", "logout"]);
  });
});
