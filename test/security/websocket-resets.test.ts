import { request } from "node:https";
import type { Socket } from "node:net";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import { createStandaloneServer } from "../../src/server.ts";
import { eventually } from "../support/assertions.ts";
import { observeProcess, type ObservedProcess } from "../support/observed-process.ts";
import { connectTo, type RawConnection } from "../support/raw-connection.ts";
import { handshake, switching } from "../support/raw-handshake.ts";
import { answerOk, startRawUpstream } from "../support/raw-upstream.ts";
import { testKey, type Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { startTlsFront, type TlsFront } from "../support/tls-front.ts";

/* A connection that is reset at some stage of a socket's life, from either side (attacks W14). */

const started = cleanedUp();

/** Half of a text frame of the tenant, and half of one of the browser, masked with zeros. */
const halfDown = Buffer.from([0x81, 0x05, 0x68, 0x65]);
const halfUp = Buffer.from([0x81, 0x85, 0, 0, 0, 0, 0x68, 0x65]);

interface World {
  readonly front: TlsFront;
  readonly stack: Stack;
  readonly observed: ObservedProcess;
  /** What the tenant says to a handshake; nothing for "". */
  says: string;
  /** The tenant's end of the latest handshake, behind its TLS, and what came over it afterwards. */
  end: Socket | null;
  got: string;
  /** A browser that has sent its handshake. */
  knock(): Promise<RawConnection>;
}

/** A proxy in front of a tenant over TLS, and a user with a session, so that the handshake is all that is left to do. */
async function startWorld(): Promise<World> {
  const upstream = started.keep(
    await startRawUpstream((seen, socket) => {
      if (seen.header("upgrade") === undefined) return answerOk(seen, socket);
      world.end = socket;
      world.got = "";
      socket.on("data", (chunk: Buffer) => (world.got += chunk.toString("latin1")));
      if (world.says !== "") socket.write(world.says);
    }),
  );
  const front = started.keep(await startTlsFront(upstream.origin));
  const observed = observeProcess();
  started.keep({ close: () => observed.stop() });
  const stack = await started.stack({
    tenantOrigin: front.origin,
    tenantNames: { ca: front.certificate },
    proxy: { upstream: { idle: 50 } },
  });
  const world: World = {
    front,
    stack,
    observed,
    says: switching(),
    end: null,
    got: "",
    async knock() {
      const browser = await connectTo(stack.origin);
      started.keep({ close: () => browser.socket.destroy() });
      browser.write(handshake(stack.origin));
      return browser;
    },
  };
  await expectWorking(world);
  return world;
}

const opened = (text: string): boolean => text.includes("\r\n\r\n");

/** A socket opens, and nothing is left of it when its browser leaves. */
async function expectWorking({ front, stack, knock }: World): Promise<void> {
  const browser = await knock();
  expect(await browser.until(opened)).toMatch(/^HTTP\/1\.1 101 /);
  browser.socket.destroy();
  await eventually(() => {
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 0, inFlight: 0 });
    expect(front.open.size).toBe(0);
  });
}

/** No crash, no connection left on either side, every socket counted in and out, and the next one opens. */
async function expectNothingLeft(world: World): Promise<void> {
  const { front, stack, observed } = world;
  await eventually(() => {
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 0, inFlight: 0 });
    expect(front.open.size).toBe(0);
  });
  Object.assign(front, { mode: "pass" });
  world.says = switching();
  await expectWorking(world);
  expect(observed.uncaught).toEqual([]);
  const count = (event: string): number =>
    observed.events.filter((each) => each.includes(`"${event}"`)).length;
  expect(count("socket.closed")).toBe(count("socket.opened"));
}

describe("a browser that is reset", () => {
  test.each<[stage: string, reach: (world: World) => Promise<RawConnection>]>([
    [
      "while TLS with the tenant is made",
      async (world) => {
        world.front.mode = "mute";
        const browser = await world.knock();
        await expect.poll(() => world.front.open.size).toBe(1);
        return browser;
      },
    ],
    [
      "while the tenant thinks",
      async (world) => {
        world.says = "";
        world.end = null;
        const browser = await world.knock();
        await expect.poll(() => world.end).not.toBeNull();
        return browser;
      },
    ],
    [
      "after the 101",
      async (world) => {
        const browser = await world.knock();
        await browser.until(opened);
        return browser;
      },
    ],
    [
      "in the middle of a frame of its own",
      async (world) => {
        const browser = await world.knock();
        await browser.until(opened);
        browser.write(halfUp);
        await expect.poll(() => world.got).toBe(halfUp.toString("latin1"));
        return browser;
      },
    ],
    [
      "in the middle of a frame of the tenant",
      async (world) => {
        const browser = await world.knock();
        await browser.until(opened);
        world.end?.write(halfDown);
        await browser.until((text) => text.endsWith(halfDown.toString("latin1")));
        return browser;
      },
    ],
  ])("%s takes the tenant's side with it", async (_stage, reach) => {
    const world = await startWorld();
    const browser = await reach(world);
    browser.socket.resetAndDestroy();
    await expectNothingLeft(world);
  });

  test("while TLS with us is made, or before its request is whole, disturbs nobody", async () => {
    const observed = observeProcess();
    started.keep({ close: () => observed.stop() });
    const pair = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
    });
    const server = started.keep(
      await createStandaloneServer({
        listen: { host: "127.0.0.1", port: 0 },
        tls: { cert: pair.cert, key: pair.private },
        options: {
          tenant: { origin: "https://acme.eu.qlikcloud.com", signingKeys: [testKey] },
          identify: () => null,
        },
        drain: { delay: 0, deadline: 1000 },
      }),
    );
    // Nothing, the beginning of a record, of a ClientHello, and what is no TLS.
    for (const part of ["", "16", "160301020001000", "160301020001000001fc0303", "474554202f"]) {
      const browser = await connectTo(server.url);
      browser.write(Buffer.from(part, "hex"));
      browser.socket.resetAndDestroy();
      await browser.closed;
    }
    const status = await new Promise((resolve, reject) => {
      const { port } = new URL(server.url);
      const options = { host: "127.0.0.1", port, servername: "localhost", ca: pair.cert, path: "/elsewhere" };
      const asking = request({ ...options, agent: false }, (response) =>
        resolve(response.resume().statusCode),
      );
      asking.on("error", reject).end();
    });
    expect([status, observed.uncaught]).toEqual([404, []]);
  });
});

describe("a tenant that is reset", () => {
  const reset = ({ front }: World): void => {
    for (const socket of front.open) socket.resetAndDestroy();
  };

  test.each<[stage: string, prepare: (world: World) => unknown, strike: (world: World) => Promise<unknown>]>([
    ["as soon as it is dialled", ({ front }) => (front.mode = "drop"), async () => {}],
    ["while TLS with it is made", ({ front }) => (front.mode = "reset"), async () => {}],
    [
      "while it thinks",
      (world) => Object.assign(world, { says: "", end: null }),
      async (world) => {
        await expect.poll(() => world.end).not.toBeNull();
        reset(world);
      },
    ],
    [
      "in the middle of its answer",
      (world) => Object.assign(world, { says: switching().slice(0, 60), end: null }),
      async (world) => {
        await expect.poll(() => world.end).not.toBeNull();
        reset(world);
      },
    ],
  ])("%s is a handshake that failed", async (_stage, prepare, strike) => {
    const world = await startWorld();
    prepare(world);
    const browser = await world.knock();
    await strike(world);
    await browser.closed;
    expect(browser.received).toMatch(/^HTTP\/1\.1 502 [^]*QSP-UPSTREAM/);
    await expectNothingLeft(world);
  });

  test.each<
    [stage: string, reach: (world: World, browser: RawConnection) => Promise<unknown>, isTold: boolean]
  >([
    ["after its 101", async () => {}, true],
    [
      "in the middle of a frame of the browser",
      async (world, browser) => {
        browser.write(halfUp);
        await expect.poll(() => world.got).toBe(halfUp.toString("latin1"));
      },
      true,
    ],
    [
      "in the middle of a frame of its own",
      async (world, browser) => {
        world.end?.write(halfDown);
        await browser.until((text) => text.endsWith(halfDown.toString("latin1")));
      },
      false,
    ],
  ])(
    "%s takes the browser's side with it, with a close frame where one fits",
    async (_stage, reach, isTold) => {
      const world = await startWorld();
      const browser = await world.knock();
      const { length } = await browser.until(opened);
      await reach(world, browser);
      reset(world);
      // 4003: come back at once. A browser echoes what it was closed with.
      const comeBack = Buffer.from([0x0f, 0xa3]).toString("latin1");
      const frames = (await browser.until((text) => text.includes(comeBack, length))).slice(length);
      browser.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa3]));
      await browser.closed;
      expect(frames.includes(comeBack)).toBe(isTold);
      await expectNothingLeft(world);
    },
  );
});
