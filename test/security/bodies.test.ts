/* Bodies that are large, or slow. attacks B1 B2 */
import { readFileSync } from "node:fs";
import { get } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createListener, listen } from "../../src/server/listener.ts";
import { adminWorlds } from "../server/admin-world.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { connectTo } from "../support/raw-connection.ts";
import { servedHeaders, startServedProxy } from "../support/served-proxy.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const mebibyte = 1024 * 1024;

/** The most memory that a process has had so far. Bytes. */
function peakMemory(pid: number): number {
  const [, kibibytes = ""] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

/** So many mebibytes, one after the other. */
async function* mebibytes(count: number): AsyncGenerator<Buffer> {
  const piece = Buffer.alloc(mebibyte, "x");
  for (let sent = 0; sent < count; sent += 1) yield await Promise.resolve(piece);
}

/** A tenant that counts the bytes of an upload, and sends as many as it is asked for. */
async function startLargeTenant() {
  const tenant = started.keep(await startNamedTenant());
  const counted = { bytes: 0 };
  tenant.onCall(async ({ method, url, request, response }) => {
    const download = /^\/api\/v1\/items\/(\d+)$/.exec(url)?.[1];
    if (method !== "POST" && download === undefined) return true;
    for await (const chunk of request) counted.bytes += (chunk as Buffer).length;
    response.writeHead(200, { "content-type": "application/octet-stream" });
    for await (const chunk of mebibytes(Number(download ?? 0))) {
      if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve));
    }
    response.end("done");
    return false;
  });
  return { tenant, counted };
}

describe("a body of a quarter of a gibibyte", () => {
  const size = 256;
  /** Until here a process grows by what is not collected yet; from then on, it should not. */
  const warmUp = 96;
  /** Far below the body, far above what is measured, which is nothing. */
  const allowance = 64 * mebibyte;

  test.each<[string, Record<string, string>]>([
    ["an upload with a length", { "content-length": String(size * mebibyte) }],
    ["an upload in chunks", {}],
  ])("does not fill the memory: %s", { timeout: 60_000 }, async (_name, headers) => {
    const { tenant, counted } = await startLargeTenant();
    const served = started.keep(await startServedProxy({ tenantOrigin: tenant.origin }));
    const upload = (count: number, framing: Record<string, string> = {}) =>
      served.ask("/api/v1/echo/a", { method: "POST", headers: framing, body: mebibytes(count) });
    expect((await upload(warmUp)).text).toBe("done");
    const before = peakMemory(served.command.pid);
    const answer = await upload(size, headers);
    expect([answer.status, answer.text, counted.bytes]).toEqual([200, "done", (size + warmUp) * mebibyte]);
    expect(peakMemory(served.command.pid) - before).toBeLessThan(allowance);
  });

  test("does not fill the memory: a download", { timeout: 60_000 }, async () => {
    const { tenant } = await startLargeTenant();
    const served = started.keep(await startServedProxy({ tenantOrigin: tenant.origin }));
    const download = (count: number): Promise<number> =>
      new Promise((resolve, reject) => {
        const path = `/qlik/api/v1/items/${count}`;
        get(served.url + path, { headers: servedHeaders("ann"), agent: false }, (response) => {
          let bytes = 0;
          response.on("data", (chunk: Buffer) => (bytes += chunk.length));
          response.on("end", () => resolve(bytes));
        }).on("error", reject);
      });
    await download(warmUp);
    const before = peakMemory(served.command.pid);
    expect(await download(size)).toBe(size * mebibyte + "done".length);
    expect(peakMemory(served.command.pid) - before).toBeLessThan(allowance);
  });
});

describe("a client that takes its time with the head of a request", () => {
  /** A listener as the server makes it, that has less patience. */
  async function startListener() {
    const listener = createListener(undefined);
    expect([listener.headersTimeout, listener.requestTimeout]).toEqual([20_000, 0]);
    listener.headersTimeout = 200;
    await listen(listener, { host: "127.0.0.1", port: 0 });
    started.keep({ close: () => void listener.close() });
    return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }

  test("is told so and cut off, whether it is silent or drips", async () => {
    const origin = await startListener();
    const connections = await Promise.all([connectTo(origin), connectTo(origin)]);
    const [silent, dripping] = connections;
    silent?.write("GET / HTTP/1.1\r\nHost: x\r\nX-A: ");
    dripping?.write("GET / HTTP/1.1\r\n");
    const drip = setInterval(() => dripping?.write("x: y\r\n"), 20);
    for (const connection of connections) {
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1\.1 408 /);
    }
    clearInterval(drip);
  });
});

describe("a sender that drips its body to the private listener", () => {
  const world = adminWorlds();
  afterEach(() => void vi.useRealTimers());

  test("is told so after ten seconds, whoever it is", async () => {
    const { adminUrl } = await world();
    const connection = await connectTo(adminUrl);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const proof = [
      "webhook-id: 1",
      `webhook-timestamp: ${Math.floor(Date.now() / 1000)}`,
      "webhook-signature: v1,x",
    ];
    const head = ["POST /revoke HTTP/1.1", "Host: x", "Content-Length: 1000", ...proof];
    connection.write(`${head.join("\r\n")}\r\n\r\n{`);
    await expect.poll(() => vi.getTimerCount()).toBe(1);
    // Looking again moves the clock a little, too.
    vi.advanceTimersByTime(9_000);
    connection.write('"');
    expect([connection.received, vi.getTimerCount()]).toEqual(["", 1]);
    vi.advanceTimersByTime(1_000);
    expect(await connection.until((text) => text.includes("}]"))).toMatch(
      /^HTTP\/1\.1 408 [^]*more than 10 seconds/,
    );
    vi.advanceTimersByTime(1000);
    await connection.closed;
  });
});
