/*
 * The tenant may select only extensions that the browser has offered. The browser's offer was cut at every comma, also at
 * one inside a quoted parameter, and an escaped quote in the tenant's answer hid what came after it: either way the browser
 * was told of an extension that it had not offered. A list that can be read in two ways is refused now.
 */
import { expect, test } from "vitest";
import { acceptedUpgrade } from "../security/doors.ts";
import { shakeHands } from "../support/raw-handshake.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each([
  ['x; p="a,x-evil,b"', "x-evil"],
  ["x", 'x; p="\\"", x-evil'],
  ["x", 'x; p="\\"", x-evil; q="\\""'],
  ["x", 'x; p="a, x-evil'],
])("of the offer %j the answer %j selects nothing", async (offer, answer) => {
  const { stack } = await started.raw((request, socket) => {
    socket.write(`${acceptedUpgrade(request)}Sec-WebSocket-Extensions: ${answer}\r\n\r\n`);
  });
  const { status, text } = await shakeHands(stack.origin, { headers: { "sec-websocket-extensions": offer } });
  expect([status, text.includes("x-evil")]).toEqual([502, false]);
});
