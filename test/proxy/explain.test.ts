import { describe, expect, test } from "vitest";
import { headerPairs } from "../../src/http/raw-headers.ts";
import { cleanedUp } from "../support/started.ts";
import { ours, questions, same, type Asking } from "./explain-questions.ts";
import { build, forwarded, masked, proxyOptions, said, startBoth, statusOf } from "./explained-proxy.ts";

/*
 * What is explained is what happens: each question is explained, and then sent byte for byte to a proxy with the same
 * options. Verdict and status are the same, and what the tenant gets is what was said, with the secrets masked.
 */

const started = cleanedUp();

describe("what is explained is what happens", () => {
  test.each(questions)("%s %s %j", async (...asked) => {
    const { stack, upstream, explain } = await startBoth(started, "/qlik");
    const { question, request, upgrade } = build(stack, asked);
    const { outcome, refusal, sent, path } = explain(question);
    const status = await statusOf(stack, request);
    expect([outcome, refusal?.status]).toEqual(
      status >= 400 && status !== 412
        ? ["refused", status]
        : [sent === null ? "answered" : "forwarded", undefined],
    );
    const [seen, ...more] = forwarded(upstream);
    expect(more).toEqual([]);
    expect(sent && said(sent.headers, sent.method, sent.target)).toEqual(seen ? masked(seen, upgrade) : null);
    expect([undefined, path]).toContain(seen?.path.split("?", 1)[0]);
    expect(JSON.stringify(explain(question))).not.toContain("secret-of-mine");
  });

  test.each<readonly [...Asking, told: string]>([
    ["GET", "/qlik/api/v1/items", [...same, ["X-Forwarded-For", "10.0.0.1, 198.51.100.7"]], "198.51.100.7"],
    ["UPGRADE", "/qlik/app/x", [...ours, ["X-Forwarded-For", "198.51.100.7"]], "198.51.100.7"],
    ["GET", "/qlik/assets/x", same, "127.0.0.1"],
  ])("behind a front door: %s %s %j", async (method, target, lines, told) => {
    const { stack, upstream, explain } = await startBoth(started, "/qlik", {
      ...proxyOptions("/qlik"),
      trustedProxies: ["127.0.0.1"],
    });
    const { question, request, upgrade } = build(stack, [method, target, lines]);
    const { sent } = explain(question);
    expect(headerPairs(sent?.headers ?? [])).toContainEqual(["x-forwarded-for", told]);
    await statusOf(stack, request);
    const [seen] = forwarded(upstream);
    expect(sent && said(sent.headers, sent.method, sent.target)).toEqual(seen && masked(seen, upgrade));
  });

  test.each<Asking>([
    ["GET", "/api/v1/items", same],
    ["GET", "/api/v1/spaces", same],
    ["GET", "/login", same],
    ["GET", "/a/../b", same],
    ["GET", "/_session", same],
    ["UPGRADE", "/app/x", ours],
    ["UPGRADE", "/other", ours],
  ])("at the root mount of a server of its own: %s %s", async (...asked) => {
    const { stack, upstream, explain } = await startBoth(started, "/");
    const { question, request } = build(stack, asked);
    const { outcome, refusal } = explain(question);
    const status = await statusOf(stack, request);
    expect([outcome === "refused", refusal?.status]).toEqual([
      status >= 400,
      status >= 400 ? status : undefined,
    ]);
    expect(forwarded(upstream).length).toBe(outcome === "forwarded" ? 1 : 0);
  });
});

/* The command takes these for wrong usage: none of them is the request that it looks like. */
test.each<readonly [status: number, ...Asking]>([
  [400, "POST", "/qlik/api/v1/reports", [...ours, ["Content-Length", "abc"]]],
  [400, "POST", "/qlik/api/v1/reports", [...ours, ["Content-Length", "9".repeat(30)]]],
  [400, "POST", "/qlik/api/v1/reports", [...ours, ["Content-Length", "0"], ["Content-Length", "1"]]],
  [400, "POST", "/qlik/api/v1/reports", [...ours, ["Content-Length", "0"], ["Transfer-Encoding", "chunked"]]],
  [404, "GET", "/qlik/api/v1/items", [...same, ["Connection", "Upgrade"], ["Upgrade", "websocket"]]],
  [404, "GET", "/qlik/_session", [...same, ["Connection", "x, upgrade"], ["Upgrade", "h2c"]]],
])("what is not explained is refused: %s %s %s %j", async (status, method, target, lines) => {
  const { stack, upstream } = await startBoth(started, "/qlik");
  const { request } = build(stack, [method, target, lines]);
  expect(await statusOf(stack, request)).toBe(status);
  expect(forwarded(upstream)).toEqual([]);
});
