import { describe, expect, test } from "vitest";
import { toQuestion } from "./explain-question.ts";
import { UsageError } from "./verb.ts";

const ask = (method: string, url: string, ...headers: readonly string[]) =>
  toQuestion(method, url, { headers });

/*
 * What Node refuses, or takes for something else, before it is the request that was meant, would be explained wrongly.
 */
describe("a question that no request can be", () => {
  test.each([
    ["a coding", ["Transfer-Encoding: chunked"], "--header cannot say Transfer-Encoding"],
    [
      "a length beside a coding",
      ["Content-Length: 0", "transfer-encoding: chunked"],
      "--header cannot say Transfer-Encoding",
    ],
    ["a length in letters", ["Content-Length: abc"], "Content-Length must be one number"],
    ["a length with a sign", ["Content-Length: +1"], "Content-Length must be one number"],
    ["a length beyond numbers", [`Content-Length: ${"9".repeat(30)}`], "Content-Length must be one number"],
    ["two lengths", ["Content-Length: 0", "content-length: 1"], "Content-Length must be one number"],
    ["two lengths in one line", ["Content-Length: 1, 1"], "Content-Length must be one number"],
  ])("%s", (_what, headers, message) => {
    expect(() => ask("POST", "/a", ...headers)).toThrow(UsageError);
    expect(() => ask("POST", "/a", ...headers)).toThrow(message);
  });

  test.each([
    ["GET", ["Connection: Upgrade", "Upgrade: websocket"]],
    ["GET", ["connection: upgrade", "UPGRADE: h2c"]],
    ["POST", ["Connection: keep-alive", "Connection: x, upGrade ", "Upgrade: x"]],
  ])("an upgrade that is asked for with %s %j", (method, headers) => {
    expect(() => ask(method, "/a", ...headers)).toThrow(UsageError);
    expect(() => ask(method, "/a", ...headers)).toThrow("ask with UPGRADE");
  });

  test.each([
    ["without the header", ["Upgrade:"]],
    ["without the connection's word", ["Connection:"]],
    ["with another word", ["Connection: keep-alive"]],
  ])("UPGRADE %s", (_what, headers) => {
    expect(() => ask("UPGRADE", "/a", ...headers)).toThrow(UsageError);
    expect(() => ask("UPGRADE", "/a", ...headers)).toThrow("ask with the method itself");
  });
});

test.each([
  ["POST", ["Content-Length: 0"]],
  ["POST", ["Content-Length: 123456789012345"]],
  ["POST", ["Content-Length:", "Transfer-Encoding:"]],
  ["GET", ["Upgrade: h2c"]],
  ["GET", ["Connection: upgrade", "Upgrade:"]],
  ["GET", ["Connection: x-upgrade", "Upgrade: websocket"]],
  ["UPGRADE", ["Connection: keep-alive, Upgrade", "Upgrade: websocket"]],
  ["UPGRADE", ["Upgrade: h2c"]],
])("a question that a request can be: %s %j", (method, headers) => {
  expect(ask(method, "/a", ...headers).headers).toHaveLength(headers.length * 2);
});

test.each([
  ["https://portal.example.com/a?b=c#d", "/a?b=c"],
  ["https://portal.example.com/a#b?c#d", "/a"],
  ["https://portal.example.com#d", "/"],
  ["wss://portal.example.com/a#", "/a"],
  ["/a?b=c#d", "/a?b=c#d"],
])("browsers keep the fragment of a whole URL, and a path stands as it is: %s", (url, target) => {
  expect(ask("GET", url).target).toBe(target);
});
