import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { eventually } from "../support/assertions.ts";
import { createLatch } from "../support/latch.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { startNamedTenant, type NamedTenant } from "../support/named-tenant.ts";
import { startProxyNodes, type ProxyNodes } from "../support/proxy-nodes.ts";
import type { Stack, StackOptions, TestSocket } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

/* When a session is over, so are its sockets: on every node, and on the tenant's side too. */

const started = cleanedUp();
const minute = 60_000;
const of = (user: string) => ({ headers: { "x-test-user": user } }) as unknown as IncomingMessage;

/** A user with a socket on each of two nodes, and what the host says of the user. */
interface Opened extends ProxyNodes {
  readonly nodes: readonly Stack[];
  readonly sockets: readonly TestSocket[];
  /** The tenant's ends of the sockets. */
  readonly tenantEnds: readonly Socket[];
  readonly host: { says: Identity | null };
}

async function openOnBoth(session: StackOptions["proxy"] & object, expiresIn?: number): Promise<Opened> {
  const world = await startProxyNodes(started);
  const tenantEnds: Socket[] = [];
  world.tenant.onUpgrade(({ socket, accept }) => {
    tenantEnds.push(socket);
    accept();
  });
  const expiry = expiresIn === undefined ? {} : { expiresAt: world.clock.now() + expiresIn };
  const host: Opened["host"] = { says: { subject: "ann", groups: [], ...expiry } };
  const proxy = { ...session, identify: () => host.says };
  const nodes = [(await world.start({ proxy })).stack, (await world.start({ proxy })).stack];
  await world.pass(1000);
  const sockets: TestSocket[] = [];
  for (const stack of nodes) {
    const socket = stack.socket("/app/x");
    await once(socket.ws, "open");
    sockets.push(socket);
  }
  expect(world.tenant.logins).toHaveLength(1);
  return { ...world, nodes, sockets, tenantEnds, host };
}

describe("the end of a session closes its sockets on every node, and the tenant's side of them (attacks W4)", () => {
  test.each<
    [
      what: string,
      session: { readonly idleTimeout?: number; readonly maxLifetime?: number },
      expiresIn: number | undefined,
      end: (opened: Opened) => Promise<unknown>,
      code: number,
      reason: string,
    ]
  >([
    [
      "a log-out",
      {},
      undefined,
      ({ nodes }) => nodes[0]?.proxy.logout(of("ann")) as Promise<void>,
      4203,
      "QSP-LOGOUT",
    ],
    [
      "a revocation",
      {},
      undefined,
      ({ nodes }) => nodes[0]?.proxy.revoke({ subject: "ann" }) as Promise<void>,
      4203,
      "QSP-REVOKED",
    ],
    [
      "idleness",
      { idleTimeout: 3 * minute },
      undefined,
      ({ pass }) => pass(3.5 * minute, 30_000),
      4203,
      "QSP-IDLE",
    ],
    [
      "the end of the host's word",
      {},
      2 * minute,
      ({ pass }) => pass(2.1 * minute, 30_000),
      4203,
      "QSP-EXPIRED",
    ],
    [
      "the longest life",
      { maxLifetime: 4 * minute },
      undefined,
      ({ pass }) => pass(4.1 * minute, 30_000),
      4003,
      "QSP-LIFETIME",
    ],
    [
      "a user whom the host disabled, and says so",
      {},
      undefined,
      async ({ nodes, host }) => {
        host.says = null;
        await nodes[0]?.proxy.revoke({ subject: "ann", blockFor: 60 * minute });
      },
      4203,
      "QSP-REVOKED",
    ],
    [
      "a user whom the host disabled without a word",
      {},
      undefined,
      async ({ host, pass }) => {
        host.says = null;
        await pass(10.1 * minute, 30_000);
      },
      4003,
      "QSP-REVALIDATE",
    ],
    [
      "a user whom the tenant disabled",
      {},
      undefined,
      async ({ nodes, tenant, pass }) => {
        tenant.lost.add("ann~1");
        tenant.onLogin((_login, response) => {
          response.writeHead(403).end();
          return false;
        });
        expect((await nodes[0]?.get("/api/v1/items/1"))?.status).toBe(403);
        await pass(1000);
      },
      4203,
      "QSP-REFUSED",
    ],
  ])("after %s, with the code that says why", async (_what, session, expiresIn, end, code, reason) => {
    const opened = await openOnBoth({ session }, expiresIn);
    await end(opened);
    for (const socket of opened.sockets) {
      expect(await socket.closed).toEqual({ code, reason: JSON.stringify({ code: reason }) });
    }
    await eventually(() => expect(opened.tenantEnds.map(({ destroyed }) => destroyed)).toEqual([true, true]));
    for (const { proxy } of opened.nodes) expect(proxy.stats().sockets).toBe(0);
  });

  test("a user whom the host has disabled does not get a socket again, on any node", async () => {
    const { nodes, sockets, host, pass } = await openOnBoth({});
    host.says = null;
    await pass(10.1 * minute, 30_000);
    for (const socket of sockets) expect((await socket.closed).code).toBe(4003);
    for (const stack of nodes) expect((await stack.socket("/app/x").refused).status).toBe(401);
  });
});

describe("a socket that is opened just before a log-out is done does not outlive it (attacks W5)", () => {
  /** What makes the tenant wait there; null where it is the host that waits. */
  type Stage = ((tenant: NamedTenant, wait: () => Promise<true>) => void) | null;
  const stages: readonly (readonly [string, Stage])[] = [
    ["the host names the user", null],
    ["the login is under way", (tenant, wait) => tenant.onLogin(wait)],
    // Other kinds of tenant give it with the login, or want none.
    ...(wire.fetchesToken
      ? [["its token is fetched", (tenant, wait) => tenant.onCall(wait)] as const satisfies [string, Stage]]
      : []),
    [
      "the tenant thinks about the handshake",
      (tenant, wait) => tenant.onUpgrade(({ accept }) => void wait().then(accept)),
    ],
  ];

  test.each(stages)("where the log-out comes while %s", async (_name, stage) => {
    const tenant = started.keep(await startNamedTenant());
    const latch = createLatch();
    let isThere = false;
    const wait = async (): Promise<true> => {
      isThere = true;
      await latch.opened;
      return true;
    };
    stage?.(tenant, wait);
    const identify = async (): Promise<Identity> => {
      if (stage === null) await wait();
      return { subject: "ann" };
    };
    const stack = await started.stack({
      tenantOrigin: tenant.origin,
      proxy: { identify, upstream: { idle: 50 } },
    });
    const socket = stack.socket("/app/x");
    await expect.poll(() => isThere).toBe(true);
    const ended = stack.proxy.revoke({ subject: "ann" });
    latch.open();
    await ended;
    expect((await socket.refused).status).toBe(401);
    await eventually(() => {
      expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
      // The session is ended at the tenant, and with it goes every connection that it had.
      expect(tenant.connections.size).toBe(0);
    });
  });

  test("in whatever turn of the process the log-out comes", async () => {
    const tenant = started.keep(await startNamedTenant());
    const stack = await started.stack({ tenantOrigin: tenant.origin, proxy: { upstream: { idle: 50 } } });
    const outcomes = new Set<number>();
    for (let turns = 0; turns < 60; turns += 2) {
      const user = `ann-${turns}`;
      await stack.get("/api/v1/items/1", { user });
      const socket = stack.socket("/app/x", { user });
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      await stack.proxy.revoke({ subject: user });
      outcomes.add(
        await Promise.race([
          socket.refused.then(({ status }) => status),
          socket.closed.then(({ code }) => code),
        ]),
      );
    }
    // Refused before the 101, or closed after it; both have been met.
    expect([...outcomes].toSorted((a, b) => a - b)).toEqual([401, 4203]);
    await eventually(() => {
      expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
      expect(tenant.connections.size).toBe(0);
    });
  });
});
