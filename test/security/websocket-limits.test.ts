import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { connectTo, type RawConnection } from "../support/raw-connection.ts";
import { handshake } from "../support/raw-handshake.ts";
import { cleanedUp } from "../support/started.ts";

/* How many sockets one session may keep, and for how long one that nobody is behind any more. */

const started = cleanedUp();

describe("hundreds of sockets of one session (attacks W13)", () => {
  test("are thirty-two, and the others are told to come back later; the tenant hears of no more", async () => {
    const tenant = started.keep(await startNamedTenant());
    let asked = 0;
    tenant.onUpgrade(({ accept }) => {
      asked += 1;
      accept();
    });
    const stack = await started.stack({ tenantOrigin: tenant.origin });
    await stack.get("/api/v1/items/1");
    const open: RawConnection[] = [];
    const knock = async (): Promise<string> => {
      const connection = await connectTo(stack.origin);
      connection.write(handshake(stack.origin));
      const text = await connection.until((all) => all.includes("\r\n\r\n"));
      if (text.startsWith("HTTP/1.1 101")) open.push(connection);
      else await connection.closed;
      return connection.received;
    };
    const refused: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(Array.from({ length: 100 }, knock));
      refused.push(...answers.filter((text) => !text.startsWith("HTTP/1.1 101")));
    }
    expect([open.length, refused.length, asked]).toEqual([32, 268, 32]);
    for (const text of refused) expect(text).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: \d+[^]*QSP-BUSY/i);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 32, inFlight: 0 });
    // Another session has places of its own.
    const other = stack.socket("/app/x", { user: "bob" });
    await once(other.ws, "open");
    other.ws.terminate();
    for (const { socket } of open) socket.destroy();
    await eventually(() => expect(stack.proxy.stats().sockets).toBe(0));
  });
});

describe("a peer that is gone without a word (attacks W15)", () => {
  /** What the kernel says of a connection: 1 = it waits for an answer to data, 2 = it asks a silent peer in a while. */
  function timerOf(
    local: number,
    remote: number,
  ): { readonly kind: number; readonly seconds: number } | undefined {
    const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
    const line = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .find((each) => each.includes(`:${hex(local)} `) && each.includes(`:${hex(remote)} 01 `));
    const found = / (\d\d):([0-9A-F]{8}) /.exec(line ?? "");
    return found ? { kind: Number(found[1]), seconds: Number.parseInt(found[2] ?? "", 16) / 100 } : undefined;
  }

  test("is asked by the kernel whether it is there, on both sides of a socket", async () => {
    const tenant = started.keep(await startNamedTenant());
    let tenantEnd: Socket | undefined;
    tenant.onUpgrade(({ socket, accept }) => {
      tenantEnd = socket;
      accept();
    });
    const stack = await started.stack({ tenantOrigin: tenant.origin });
    const browser = await connectTo(stack.origin);
    started.keep({
      async close() {
        browser.socket.destroy();
        await eventually(() => expect(stack.proxy.stats().sockets).toBe(0));
      },
    });
    browser.write(handshake(stack.origin));
    await browser.until((text) => text.includes("\r\n\r\n"));
    const { port } = stack.server.address() as AddressInfo;
    const sides = [
      [port, browser.socket.localPort ?? 0],
      [tenantEnd?.remotePort ?? 0, tenantEnd?.localPort ?? 0],
    ] as const;
    for (const [local, remote] of sides) {
      await eventually(() => expect(timerOf(local, remote)?.kind).toBe(2));
      expect(timerOf(local, remote)?.seconds).toBeLessThanOrEqual(30);
    }
  });

  test("is let go of after timeouts.socketIdle in any case, though it answers nothing", async () => {
    const tenant = started.keep(await startNamedTenant());
    let tenantEnd: Socket | undefined;
    tenant.onUpgrade(({ socket, accept }) => {
      tenantEnd = socket;
      accept();
    });
    const stack = await started.stack({
      tenantOrigin: tenant.origin,
      proxy: { timeouts: { socketIdle: 1000 } },
    });
    const browser = await connectTo(stack.origin);
    browser.write(handshake(stack.origin));
    // Neither echoes our close frame.
    await browser.closed;
    expect(Buffer.from(browser.received, "latin1").includes(Buffer.from([0x10, 0x6d]))).toBe(true);
    await eventually(() => {
      expect(stack.proxy.stats().sockets).toBe(0);
      expect(tenantEnd?.destroyed).toBe(true);
    });
  });
});
