/*
 * An upgrade waits for the host to say whose it is. Nobody reads from the browser's connection until then, so its
 * leaving was not seen: socket and count stayed as long as the host thought. Who is gone is not waited for.
 */
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const never = (): Promise<never> => new Promise(() => {});

const hosts: readonly (readonly [string, StackOptions])[] = [
  ["identify", { proxy: { identify: never } }],
  ["a middleware", { before: [never] }],
];

describe.each(hosts)("an upgrade that waits for %s", (_name, host) => {
  test.each([
    ["ends its side", "end"],
    ["is gone", "destroy"],
    ["is reset", "resetAndDestroy"],
  ] as const)("is given up where the browser %s", async (_how, leave) => {
    const stack = await started.stack({ ...host, proxy: { ...host.proxy, timeouts: { login: 60_000 } } });
    const served = new Set<Socket>();
    stack.server.on("connection", (socket) => served.add(socket));
    // The server knows nothing of upgraded connections, and would wait for those that a fault left open.
    started.keep({ close: () => served.forEach((socket) => socket.destroy()) });
    const connection = await connectTo(stack.origin);
    started.keep({ close: () => connection.socket.destroy() });
    connection.write(
      requestHead(stack.origin, "GET /qlik/app/x HTTP/1.1", [
        `Origin: ${stack.origin}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
      ]),
    );
    await expect.poll(() => stack.proxy.stats().inFlight).toBe(1);
    connection.socket[leave]();
    await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
    expect([...served].every((socket) => socket.destroyed)).toBe(true);
  });
});
