/*
 * `compression` takes an event stream for text: it keeps events back until its buffer is full, so that `_session/events` never
 * opened, and answers of an assistant came at their end. It compresses parts of files, too, which then fit nowhere. It leaves
 * alone what says `no-transform`; a word of the tenant's that we dropped.
 */
import { get as httpGet, type IncomingMessage } from "node:http";
import compression from "compression";
import express from "express";
import { expect, test } from "vitest";
import { answerOk } from "../support/raw-upstream.ts";
import type { Stack, StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

const compressed: StackOptions = {
  mount: (proxy) =>
    express()
      .use(compression({ threshold: 0 }))
      .use(proxy),
};

/** The first piece of an answer that goes on. */
async function beginningOf(stack: Stack, path: string) {
  const { port, host } = new URL(stack.origin);
  const headers = { host, "x-test-user": "ann", "sec-fetch-site": "same-origin", "accept-encoding": "gzip" };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    httpGet({ host: "127.0.0.1", port, path: `/qlik${path}`, headers }, resolve).on("error", reject);
  });
  const chunk = await new Promise<Buffer>((resolve) => answer.once("data", resolve));
  answer.destroy();
  return { text: chunk.toString(), headers: answer.headers };
}

test("events of the session come when they happen", async () => {
  const stack = await started.stack(compressed);
  const { text, headers } = await beginningOf(stack, "/_session/events");
  expect([text, headers["content-encoding"]]).toEqual([": open\n\n", undefined]);
  expect(headers["cache-control"]).toBe("no-store, no-transform");
});

test("events of the tenant come when they happen", async () => {
  const { stack } = await started.raw((_request, socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  }, compressed);
  const { text, headers } = await beginningOf(stack, "/api/v1/echo/a");
  expect([text, headers["content-encoding"]]).toEqual(["data: 1\n\n", undefined]);
  expect(headers["cache-control"]).toBe("private, no-cache, no-transform");
});

test.each([
  ["a part of a file", "206 Partial Content", "Content-Range: bytes 0-1/9\r\n"],
  ["what the tenant says shall stay", "200 OK", "Cache-Control: max-age=1, No-Transform\r\n"],
])("%s stays as it is", async (_name, status, header) => {
  const { stack } = await started.raw((_request, socket) => {
    socket.write(`HTTP/1.1 ${status}\r\n${header}Content-Type: text/csv\r\nContent-Length: 2\r\n\r\na;`);
  }, compressed);
  const answer = await stack.get("/api/v1/echo/a", { headers: { "accept-encoding": "gzip" } });
  expect([answer.text, answer.header("content-encoding")]).toEqual(["a;", undefined]);
  expect(answer.header("cache-control")).toBe("private, no-cache, no-transform");
});

test("anything else may be compressed", async () => {
  const { stack } = await started.raw(answerOk, compressed);
  const answer = await stack.get("/api/v1/echo/a", { headers: { "accept-encoding": "gzip" } });
  expect(answer.header("cache-control")).toBe("private, no-cache");
});
