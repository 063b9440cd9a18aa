/*
 * A no-break space counted as a blank around the names of offered sub-protocols: the browser was told of one that it had not
 * offered.
 */
import { expect, test } from "vitest";
import { acceptFor } from "../../src/ws/handshake.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each([
  ["chat\u00a0, other", "502 Bad Gateway"],
  ["chat\t, other", "101 Switching Protocols"],
])("of the offer %j the tenant selects chat: %s", async (offer, status) => {
  const { stack, upstream } = await started.raw();
  upstream.handle((request, socket) => {
    const accept = acceptFor(request.header("sec-websocket-key") ?? "");
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
    );
  });
  const connection = await connectTo(stack.origin);
  const head = requestHead(stack.origin, "GET /qlik/app/a HTTP/1.1", [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Origin: ${stack.origin}`,
    `Sec-WebSocket-Protocol: ${offer}`,
  ]);
  connection.write(Buffer.from(head, "latin1"));
  await connection.until((text) => text.includes("\r\n\r\n"));
  expect(connection.received).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
  connection.socket.destroy();
});
