/*
 * An upload fails half way: the tenant breaks off, or the user is logged out. The answer said that the connection
 * stays open, but the rest of the body was never read from it, so the next request on it was never answered. What
 * follows a body that was not read to its end cannot be told from it: the answer says "close", and the proxy closes.
 */
import { expect, test } from "vitest";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

const started = cleanedUp();
const size = 3 * 1024 * 1024;
const path = "/qlik/api/v1/data-files";

/** An upload of which a part has reached the tenant. */
async function startUpload() {
  const both = await started.raw();
  // The session and its token are there already, so that nothing but the upload is under way.
  await both.stack.get("/api/v1/data-files", { method: "POST" });
  let taken = 0;
  const counted = (chunk: Buffer): void => void (taken += chunk.length);
  for (const socket of both.upstream.sockets) socket.on("data", counted);
  both.upstream.onConnection((socket) => socket.on("data", counted));
  const connection = await connectTo(both.stack.origin);
  started.keep({ close: () => connection.socket.destroy() });
  connection.write(requestHead(both.stack.origin, `POST ${path} HTTP/1.1`, [`Content-Length: ${size}`]));
  connection.write(Buffer.alloc(200_000, "a"));
  await expect.poll(() => taken).toBeGreaterThan(100_000);
  return { ...both, connection };
}

test.each([
  [
    "the tenant breaks off",
    async ({ upstream }: RawStack): Promise<void> => {
      for (const socket of upstream.sockets) socket.destroy();
    },
    502,
    "QSP-UPSTREAM",
  ],
  [
    "the user is logged out",
    ({ stack }: RawStack): Promise<void> => stack.proxy.revoke({ subject: "ann" }),
    401,
    "QSP-UNAUTHENTICATED",
  ],
])("where %s, the answer ends the connection", async (_how, fail, status, code) => {
  const upload = await startUpload();
  const { connection, stack } = upload;
  await fail(upload);
  const head = await connection.until((text) => text.includes("\r\n\r\n"));
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toMatch(/^connection: close\r$/im);
  connection.write(Buffer.alloc(size - 200_000, "a"));
  connection.write(requestHead(stack.origin, "GET /qlik/_session HTTP/1.1"));
  await connection.closed;
  expect(connection.received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(connection.received).toContain(code);
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
});
