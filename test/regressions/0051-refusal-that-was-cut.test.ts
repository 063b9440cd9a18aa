/*
 * The words with which a tenant refuses a handshake are passed on with a length of our own. Where they were broken off, or
 * were more than is kept, the browser got a part of them, with the length of that part: it could not know that they were
 * not the whole.
 */
import { expect, test } from "vitest";
import { connectTo } from "../support/raw-connection.ts";
import { handshake } from "../support/raw-handshake.ts";
import { answerOk } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const chunked = "Transfer-Encoding: chunked\r\n\r\n";
/** More than is kept of a refusal. */
const long = "no ".repeat(100_000);

test.each([
  ["cut in their length", "Content-Length: 10\r\n\r\nno so", ""],
  ["cut in their chunks", `${chunked}5\r\nno so\r\n`, ""],
  ["more than is kept", `Content-Length: ${long.length}\r\n\r\n${long}`, ""],
  ["whole", "Content-Length: 5\r\n\r\nno so", "no so"],
])("a refusal whose words are %s is passed on with its status", async (_how, words, passed) => {
  const { stack } = await started.raw((request, socket) => {
    if (request.header("upgrade") === undefined) answerOk(request, socket);
    else socket.end(`HTTP/1.1 404 Not Found\r\n${words}`);
  });
  const browser = await connectTo(stack.origin);
  browser.write(handshake(stack.origin));
  await browser.closed;
  const [head = "", ...rest] = browser.received.split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 404 /);
  expect(rest.join("\r\n\r\n")).toBe(passed);
});
