import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { figure } from "../nodes/figure.ts";
import { connectTo, type RawConnection } from "../support/raw-connection.ts";
import { handshake, switching } from "../support/raw-handshake.ts";
import { startRawUpstream, type RawHandler } from "../support/raw-upstream.ts";
import { servedHeaders, startServedProxy } from "../support/served-proxy.ts";
import { cleanedUp } from "../support/started.ts";
import { clients } from "../upstream/clients.ts";

/* What a peer costs that does not read, and one that floods, each time against a process of its own. */

const started = cleanedUp();
const mebibyte = 1024 * 1024;

/** Enough that nobody between the two can hold it. */
const flood = 256;

/** What a process may take beside what it had: buffers of both sides, and what the collector has not looked at. Mebibytes. */
const allowance = 96;

/** A binary frame of a mebibyte, and its first two bytes as the browser sends them, under a mask of zeros. */
const size = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0]);
const payload = Buffer.alloc(mebibyte, 1);
const fromTenant = Buffer.concat([Buffer.from([0x82, 127]), size, payload]);
const fromBrowser = Buffer.concat([Buffer.from([0x82, 0xff]), size, Buffer.alloc(4), payload]);

/** The most that a process has had in memory, in mebibytes. */
function peakOf(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes) / 1024;
}

/** Writes as fast as it is taken; resolves when all is, or when nothing has been for a while. Mebibytes. */
async function pour(socket: Socket, piece: Buffer): Promise<number> {
  for (let sent = 0; sent < flood; sent += 1) {
    if (socket.write(piece)) continue;
    const drained = new Promise<boolean>((resolve) => socket.once("drain", () => resolve(true)));
    const stuck = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1000).unref());
    if (!(await Promise.race([drained, stuck]))) return sent;
  }
  return flood;
}

describe.each(clients)("%s", (client) => {
  /** A proxy of its own in front of a raw tenant; `ann` has a session, and what a first request costs is paid. */
  async function start(handler: RawHandler) {
    let answered: (socket: Socket) => void = () => {};
    const tenant = new Promise<Socket>((resolve) => (answered = resolve));
    const upstream = started.keep(await startRawUpstream());
    const more = `upstream: { client: ${client} }`;
    const served = started.keep(await startServedProxy({ tenantOrigin: upstream.origin, more }));
    expect((await served.ask("/api/v1/users/me")).status).toBe(200);
    upstream.handle((request, socket) => {
      handler(request, socket);
      answered(socket);
    });
    const browser = await connectTo(served.url);
    started.keep({ close: () => browser.socket.destroy() });
    return { served, browser, tenant, before: peakOf(served.command.pid) };
  }

  type World = Awaited<ReturnType<typeof start>>;

  function expectFlat({ served, before }: World, what: string, poured: number): void {
    const peak = peakOf(served.command.pid);
    const [grown, held] = [Math.round(peak - before), poured < flood ? "held" : "through"];
    figure(`${what}, ${client}`, {
      peak: `${Math.round(peak)} MiB`,
      grown: `${grown} MiB`,
      [held]: `${poured} of ${flood} MiB`,
    });
    expect(grown).toBeLessThan(allowance);
  }

  const headers = Object.entries(servedHeaders("ann")).map(([name, value]) => `${name}: ${value}\r\n`);
  const download = `GET /qlik/api/v1/items/a HTTP/1.1\r\n${headers.join("")}\r\n`;
  const answer: RawHandler = (_request, socket) =>
    void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${(flood + 1) * mebibyte}\r\n\r\n`);

  /** A socket that both sides have opened. */
  async function openSocket(): Promise<World & { readonly socket: Socket }> {
    const world = await start((_request, socket) => void socket.write(switching()));
    const { browser, tenant } = world;
    const mine = Object.fromEntries(Object.entries(servedHeaders("ann")));
    browser.write(handshake("https://portal.example.com", { headers: { ...mine, "x-test-user": null } }));
    expect(await browser.until((text) => text.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 101 /);
    return { ...world, socket: await tenant };
  }

  /** Throws away what comes; the connection of a test would keep it. */
  function drain({ socket }: RawConnection): void {
    socket.removeAllListeners("data");
    socket.resume();
  }

  test("a browser that does not read its download", { timeout: 60_000 }, async () => {
    const world = await start(answer);
    world.browser.write(download);
    world.browser.socket.pause();
    const poured = await pour(await world.tenant, payload);
    expect(poured).toBeLessThan(flood);
    expectFlat(world, "stalled reader, download", poured);
  });

  test("a tenant that floods a browser that reads", { timeout: 60_000 }, async () => {
    const world = await start(answer);
    drain(world.browser);
    world.browser.write(download);
    expectFlat(world, "flooding tenant, download", await pour(await world.tenant, payload));
  });

  test("a browser that does not read its socket", { timeout: 60_000 }, async () => {
    const world = await openSocket();
    world.browser.socket.pause();
    const poured = await pour(world.socket, fromTenant);
    expect(poured).toBeLessThan(flood);
    expectFlat(world, "stalled reader, socket", poured);
  });

  test("a tenant that does not read its socket", { timeout: 60_000 }, async () => {
    const world = await openSocket();
    world.socket.pause();
    const poured = await pour(world.browser.socket, fromBrowser);
    expect(poured).toBeLessThan(flood);
    expectFlat(world, "stalled tenant, socket", poured);
  });

  test("a tenant that floods a socket that is read", { timeout: 60_000 }, async () => {
    const world = await openSocket();
    drain(world.browser);
    expectFlat(world, "flooding tenant, socket", await pour(world.socket, fromTenant));
  });
});
