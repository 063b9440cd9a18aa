import { describe, expect, test } from "vitest";
import { createSessionNodes, nodeDurations } from "../../test/support/session-nodes.ts";
import { SessionClocks, isEnding } from "./session-clocks.ts";
import type { Deadline } from "./session-deadlines.ts";

/** A real session on clocks of its own. */
async function setUp() {
  const nodes = createSessionNodes();
  const node = nodes.start();
  await nodes.pass(2000);
  const session = await node.acquire({ subject: "ann" });
  const met: Deadline["what"][] = [];
  const sockets = { has: false };
  const clocks = new SessionClocks({
    clock: nodes.clock,
    durations: nodeDurations,
    hasSockets: () => sockets.has,
    meet: (_, what) => void met.push(what),
  });
  return { clock: nodes.clock, session, clocks, met, sockets };
}

describe("SessionClocks", () => {
  test("meets what is due next, at its time", async () => {
    const { clock, session, clocks, met } = await setUp();
    session.expiresAt = clock.now() + 5000;
    clocks.schedule(session);
    clock.advance(4999);
    expect([met, clocks.overdue(session)]).toEqual([[], null]);
    clock.advance(1);
    expect([met, clocks.overdue(session)]).toEqual([["expired"], "expired"]);
  });

  test("a deadline that stays due does not spin", async () => {
    const { clock, session, clocks, met } = await setUp();
    session.expiresAt = clock.now();
    clocks.schedule(session);
    clock.advance(1000);
    expect(met).toHaveLength(10);
  });

  test("a session that was used meanwhile is left alone, without its timer having been set anew", async () => {
    const { clock, session, clocks, met } = await setUp();
    clocks.schedule(session);
    session.lastUsedAt += 60_000;
    clock.advance(nodeDurations.idleTimeout);
    expect(met).toEqual([]);
    clock.advance(60_000);
    expect(met).toEqual(["idle"]);
  });

  test("only with sockets the host's word grows old; that does not end a session", async () => {
    const { clock, session, clocks, met, sockets } = await setUp();
    sockets.has = true;
    clocks.schedule(session);
    clock.advance(nodeDurations.revalidate);
    expect([met, clocks.overdue(session)]).toEqual([["revalidate"], null]);
  });

  test("an ended session has no timer, nor has one that was taken off", async () => {
    const { clock, session, clocks, met } = await setUp();
    session.expiresAt = clock.now() + 500;
    clocks.schedule(session);
    clocks.cancel(session);
    clock.advance(1000);
    session.ended = "logout";
    clocks.schedule(session);
    clock.advance(1000);
    expect(met).toEqual([]);
  });

  test("three of the clocks end a session", () => {
    const all = ["idle", "expired", "lifetime", "revalidate", "keep-alive", "renew"] as const;
    expect(all.filter(isEnding)).toEqual(["idle", "expired", "lifetime"]);
  });
});
