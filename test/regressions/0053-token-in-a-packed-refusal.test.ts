/*
 * A tenant that refuses a handshake may repeat its address, and the session's CSRF token stands in it. Such a refusal
 * is passed on without its body; but it was searched for the token as it came, and compressed, which the browser's own
 * Accept-Encoding asked for, it took the token to the browser. Handshakes are now asked to be answered in the clear, and
 * the body of a tenant that compresses all the same is left out.
 */
import { brotliCompressSync, gzipSync, brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { connectTo } from "../support/raw-connection.ts";
import { handshake } from "../support/raw-handshake.ts";
import { answerOk, type RawHandler } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

/** What a tenant may do to the address in its refusal. */
const codings = {
  identity: (text: string) => Buffer.from(text),
  gzip: (text: string) => gzipSync(text),
  br: (text: string) => brotliCompressSync(text),
};

const unpackers = {
  identity: (body: Buffer) => body,
  gzip: (body: Buffer) => gunzipSync(body),
  br: (body: Buffer) => brotliDecompressSync(body),
};

test.each(["identity", "gzip", "br"] as const)(
  "a refusal that repeats the address in the coding %s does not show the token",
  async (coding) => {
    let asked: string | undefined;
    const refusing: RawHandler = (request, socket) => {
      if (request.header("upgrade") === undefined) return answerOk(request, socket);
      asked = request.header("accept-encoding");
      expect(request.path).toContain("qlik-csrf-token=raw-token");
      const body = codings[coding](`No socket at ${request.path}`);
      const head = [
        "HTTP/1.1 404 Not Found",
        `Content-Encoding: ${coding}`,
        `Content-Length: ${body.length}`,
      ];
      socket.write(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]));
    };
    const { stack } = await started.raw(refusing);
    const browser = await connectTo(stack.origin);
    browser.write(handshake(stack.origin, { headers: { "accept-encoding": "gzip, deflate, br" } }));
    await browser.closed;
    const [head = ""] = browser.received.split("\r\n\r\n", 1);
    const body = Buffer.from(browser.received.slice(head.length + 4), "latin1");
    expect(head).toMatch(/^HTTP\/1\.1 404 /);
    const shown = body.length === 0 ? "" : unpackers[coding](body).toString();
    expect(shown).not.toContain("raw-token");
    expect(asked).toBe("identity");
  },
);

test("a refusal that repeats nothing arrives with its words", async () => {
  const { stack } = await started.raw((request, socket) => {
    if (request.header("upgrade") === undefined) return answerOk(request, socket);
    const head = ["HTTP/1.1 404 Not Found", "Content-Encoding: identity", "Content-Length: 5"];
    socket.write(`${head.join("\r\n")}\r\n\r\nwords`);
  });
  const browser = await connectTo(stack.origin);
  browser.write(handshake(stack.origin));
  await browser.closed;
  expect(browser.received).toMatch(/\r\n\r\nwords$/);
});
