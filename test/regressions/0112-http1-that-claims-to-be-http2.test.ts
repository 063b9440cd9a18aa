/*
 * A request line of HTTP/1.1 may end in "HTTP/2.0", and node's parser takes it. The door told requests of HTTP/2 by that number,
 * looked for their stream, and the process ended. Found by the fuzzer. It is refused: who stands before us may read it otherwise.
 */
import { connect } from "node:net";
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each(["HTTP/2.0", "HTTP/2.1"])("a request line that ends in %s ends nothing", async (version) => {
  const stack = await started.stack();
  const { host, port } = new URL(stack.origin);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1");
    let text = "";
    socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
    socket.write(
      `GET /qlik/api/v1/users/me ${version}\r\nHost: ${host}\r\nSec-Fetch-Site: same-origin\r\nx-test-user: ann\r\nConnection: close\r\n\r\n`,
    );
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect((await stack.get("/api/v1/users/me")).status).toBe(200);
});
