/*
 * Pieces of one turn are gathered into one write. Node 22 gathers by the response, not by the socket as Node 20 does, and its
 * `end` writes the end of a body in chunks first and what was gathered after it: a browser took the body for whole without
 * its last pieces, and the rest for the next answer. It also forgot to say when it had room again, so that large bodies stopped
 * (test/security/bodies.test.ts). Found by running the suite with Node 22.
 */
import { expect, test } from "vitest";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** The text of a body in chunks, and what stands behind its end. */
function readChunks(body: string): { readonly text: string; readonly rest: string } {
  const [, chunks = "", rest = ""] =
    /^((?:[1-9a-f][0-9a-f]*\r\n[^\r]+\r\n)*)0\r\n\r\n(.*)$/s.exec(body) ?? [];
  return { text: chunks.replaceAll(/[0-9a-f]+\r\n([^\r]+)\r\n/g, "$1"), rest };
}

test("pieces that come together with the end of their body stand before it", async () => {
  const pieces = ["one", "two", "three", "four"].map((word) => `data: ${word}\n\n`);
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  const { stack } = await started.raw((_request, socket) => {
    socket.write(`${head}${pieces.map(chunk).join("")}0\r\n\r\n`);
  });
  const browser = await connectTo(stack.origin);
  started.keep({ close: () => browser.socket.destroy() });
  browser.write(requestHead(stack.origin, "GET /qlik/api/v1/items HTTP/1.1", ["Connection: close"]));
  await browser.closed;
  const [, body = ""] = browser.received.split(/\r\n\r\n(.*)/s);
  expect(readChunks(body)).toEqual({ text: pieces.join(""), rest: "" });
});
