/*
 * What stands around a header's value was taken off as a text's blanks are, and a no-break space is one of them. On the wire
 * it is a byte like others: "websocket" with that byte behind it was websocket to us, and not to anybody behind us.
 */
import { expect, test } from "vitest";
import { answerBoth, forwarded } from "../security/doors.ts";
import { sendBytes } from "../support/raw-client.ts";
import { handshake } from "../support/raw-handshake.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each([
  ["upgrade", "websocket\u00a0", "400"],
  ["sec-websocket-version", "13\u00a0", "426"],
  ["sec-websocket-key", "\u00a0dGhlIHNhbXBsZSBub25jZQ==", "400"],
])("a no-break space in %s is no blank", async (name, value, status) => {
  const { stack, upstream } = await started.raw(answerBoth);
  const bytes = Buffer.from(handshake(stack.origin, { headers: { [name]: value } }), "latin1");
  const { text } = await sendBytes(stack.origin, bytes, (received) => received.includes("\r\n\r\n"));
  expect(text.slice(9, 12)).toBe(status);
  expect(forwarded(upstream.seen)).toEqual([]);
});
