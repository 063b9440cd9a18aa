/*
 * Of an upgrade every header went on whose name begins with `Sec-WebSocket-`: so did `Sec-WebSocket-Protocol_` and the
 * like, which a server that takes "_" for "-" or cuts it off reads as a second one. The four of the handshake go on, and
 * nothing else of the kind.
 */
import { expect, test } from "vitest";
import { answerBoth, forwarded, knockAt, through } from "../security/doors.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("of an upgrade the headers of the handshake go on, and none that only begins like them", async () => {
  const { stack, upstream } = await started.raw(answerBoth);
  const headers = [
    "Sec-WebSocket-Protocol: qlik, json",
    "Sec-WebSocket-Extensions: permessage-deflate",
    ...["Protocol_", "Key_", "Key.1", "Accept", "Extensions!", "Location", "Protocol1", "Origin"].map(
      (name) => `Sec-WebSocket-${name}: canary`,
    ),
  ];
  expect((await knockAt(stack, "upgrade", "/qlik/app/a", { headers })).status).toBe(through("upgrade"));
  const sent = forwarded(upstream.seen)[0]?.headers ?? [];
  expect(sent.filter(([name]) => name.startsWith("sec-"))).toEqual([
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["sec-websocket-protocol", "qlik, json"],
    ["sec-websocket-extensions", "permessage-deflate"],
  ]);
});
