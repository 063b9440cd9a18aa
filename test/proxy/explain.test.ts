import { describe, expect, test } from "vitest";
import { headerPairs } from "../../src/http/raw-headers.ts";
import { resolveOptions } from "../../src/options/session-proxy-options.ts";
import { createExplainer, type Question } from "../../src/proxy/explain/explain.ts";
import { sendersOf } from "../../src/proxy/explain/senders.ts";
import { connectTo } from "../support/raw-connection.ts";
import type { RawUpstream, SeenRequest } from "../support/raw-upstream.ts";
import { testIdentity, testKey, type Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import {
  handshake,
  ours,
  questions,
  same,
  sibling,
  user,
  type Asking,
  type Lines,
} from "./explain-questions.ts";

/*
 * What is explained is what happens: each question is explained, and then sent byte for byte to a proxy with the same
 * options. Verdict and status are the same, and what the tenant gets is what was said, with the secrets masked.
 */

const started = cleanedUp();
const proxyOptions = (prefix: string) => ({
  prefix,
  allowedOrigins: [sibling],
  identityHeaders: ["x-test-user"],
  policy: {
    presets: ["embed", "embed-write"],
    allow: ["GET /single/**", "OPTIONS /api/v1/echo"],
    deny: ["/api/v1/items/secret/**"],
  },
  limits: { requestBody: 1024 },
  unsafe: { plainHttpTenant: true, plainHttpPublic: true },
});

/** What the explainer would say itself is taken away, so that the lines are the whole head. */
const emptied: Lines = [
  "User-Agent",
  "Accept",
  "Accept-Language",
  "Accept-Encoding",
  "Cookie",
  "Origin",
  "Referer",
  "Sec-Fetch-Site",
  "Sec-Fetch-Mode",
  "Sec-Fetch-Dest",
  "Connection",
  "Upgrade",
  "Sec-WebSocket-Version",
  "Sec-WebSocket-Key",
  "Sec-WebSocket-Extensions",
].map((name) => [name, ""]);

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly lines: Lines;
}

/** The status of the answer to exactly this head. */
async function statusOf(stack: Stack, { method, target, lines }: Asked): Promise<number> {
  const connection = await connectTo(stack.origin);
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const length = Number(lines.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
  connection.write(`${method} ${target} HTTP/1.1\r\n${head}\r\n${"x".repeat(length)}`);
  const text = await connection.until((all) => all.includes("\r\n\r\n"));
  connection.socket.destroy();
  return Number(text.slice(9, 12));
}

const own = new Set(["/login/jwt-session", "/api/v1/csrf-token", "/logout"]);
const forwarded = ({ seen }: RawUpstream): readonly SeenRequest[] =>
  seen.filter(({ path }) => !own.has(path));

/** Headers of a connection, which undici writes for itself. */
const ofConnection = new Set(["content-length", "transfer-encoding"]);

/** What came, with the secrets masked as the explanation masks them. */
function masked({ method, path, headers }: SeenRequest, upgrade: boolean): unknown {
  return {
    method,
    target: path.replace(/(qlik-csrf-token=)[^&]*/, "$1***"),
    headers: headers
      .filter(([name]) => !ofConnection.has(name) && (upgrade || name !== "connection"))
      .map(([name, value]) => [name, name === "cookie" || name === "qlik-csrf-token" ? "***" : value]),
  };
}

/** As {@link masked}, of what was said. */
function said(headers: readonly string[], method: string, target: string): unknown {
  const pairs = headers.flatMap((name, i) =>
    i % 2 === 0 ? [[name.toLowerCase(), headers[i + 1] ?? ""]] : [],
  );
  return { method, target, headers: pairs };
}

async function startBoth(
  prefix: string,
  proxy: ReturnType<typeof proxyOptions> & { readonly trustedProxies?: readonly string[] } = proxyOptions(
    prefix,
  ),
) {
  const { stack, upstream } = await started.raw(undefined, { proxy });
  const explain = createExplainer(
    resolveOptions({
      ...proxy,
      tenant: { origin: upstream.origin, signingKeys: [testKey] },
      publicOrigin: stack.origin,
      identify: ({ headers }) => testIdentity(headers["x-test-user"]),
    }),
  );
  return { stack, upstream, explain };
}

/** The question, and the request that it is about. */
function build(
  stack: Stack,
  [method, target, lines]: Asking,
): { readonly question: Question; readonly request: Asked; readonly upgrade: boolean } {
  const upgrade = method === "UPGRADE";
  const given = lines.map(([name, value]): readonly [string, string] => [
    name,
    value.replace("OURS", stack.origin),
  ]);
  const names = new Set(given.map(([name]) => name));
  const head = [...(upgrade ? handshake.filter(([name]) => !names.has(name)) : []), ...given, ...user];
  const taken = new Set(head.map(([name]) => name));
  const httpMethod = upgrade ? "GET" : method;
  return {
    upgrade,
    question: {
      method: httpMethod,
      upgrade,
      target,
      peer: "127.0.0.1",
      headers: [...emptied.filter(([name]) => !taken.has(name)), ...head].flat(),
    },
    request: {
      method: httpMethod,
      target,
      lines: [["Host", new URL(stack.origin).host], ...head],
    },
  };
}

describe("what is explained is what happens", () => {
  test.each(questions)("%s %s %j", async (...asked) => {
    const { stack, upstream, explain } = await startBoth("/qlik");
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

  test.each(questions.filter(([method]) => method !== "TRACE"))(
    "to whoever sends %s %s",
    async (...asked) => {
      const { stack, explain } = await startBoth("/qlik");
      const { question, request, upgrade } = build(stack, [asked[0], asked[1], []]);
      const bare = { ...question, headers: user.flat() };
      const verdicts = explain(bare).senders;
      const senders = sendersOf({ method: request.method, upgrade, own: stack.origin, listed: [sibling] });
      expect(verdicts.map(({ who }) => who)).toEqual(senders.map(({ who }) => who));
      for (const [at, { headers, upgrade: asUpgrade }] of senders.entries()) {
        const pairs = headers.flatMap((name, i): Lines =>
          i % 2 === 0 ? [[name, headers[i + 1] ?? ""]] : [],
        );
        const lines: Lines = [["Host", new URL(stack.origin).host], ...pairs, ...user];
        const method = asUpgrade ? "GET" : request.method;
        const status = await statusOf(stack, { ...request, method, lines });
        expect([verdicts[at]?.who, verdicts[at]?.status]).toEqual([
          verdicts[at]?.who,
          status >= 400 ? status : undefined,
        ]);
      }
    },
  );

  test.each<readonly [...Asking, told: string]>([
    ["GET", "/qlik/api/v1/items", [...same, ["X-Forwarded-For", "10.0.0.1, 198.51.100.7"]], "198.51.100.7"],
    ["UPGRADE", "/qlik/app/x", [...ours, ["X-Forwarded-For", "198.51.100.7"]], "198.51.100.7"],
    ["GET", "/qlik/assets/x", same, "127.0.0.1"],
  ])("behind a front door: %s %s %j", async (method, target, lines, told) => {
    const { stack, upstream, explain } = await startBoth("/qlik", {
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
    const { stack, upstream, explain } = await startBoth("/");
    const { question, request } = build(stack, asked);
    const { outcome, refusal } = explain(question);
    const status = await statusOf(stack, request);
    expect([outcome === "refused", refusal?.status]).toEqual([
      status >= 400,
      status >= 400 ? status : undefined,
    ]);
    expect(forwarded(upstream).length).toBe(outcome === "forwarded" ? 1 : 0);
  });

  test.each([
    ["rest", "/api/v1/items/x", {}, {}],
    ["rest", "/api/v1/items/x", {}, { Range: "bytes=0-99" }],
    ["static", "/assets/x", {}, {}],
    ["page", "/single/x", {}, {}],
    ["page", "/single/x", { foreignScriptOnAppOrigin: true }, {}],
  ])("to answers of the class %s: %s %j %j", async (routeClass, path, unsafe, asking) => {
    const options = proxyOptions("/qlik");
    const { stack, upstream, explain } = await startBoth("/qlik", {
      ...options,
      unsafe: { ...options.unsafe, ...unsafe },
    });
    const { taker, answers } = explain({
      method: "GET",
      upgrade: false,
      target: `/qlik${path}`,
      headers: [...user.flat(), ...Object.entries(asking).flat()],
    });
    expect(taker).toMatchObject({ kind: "tenant", routeClass, needsIdentity: routeClass !== "static" });
    expect(answers?.byType.map(({ type }) => type)).toContain("text/html");
    for (const { type, headers, rewritesLinks } of answers?.byType ?? []) {
      const link = JSON.stringify({ href: `${upstream.origin}/x` });
      const policy =
        type === "text/html"
          ? `Content-Security-Policy: connect-src ${upstream.origin}; frame-ancestors ${upstream.origin}\r\n`
          : "";
      upstream.handle((_request, socket) =>
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nCache-Control: public, max-age=3600\r\n${policy}` +
            `Content-Length: ${link.length}\r\n\r\n${link}`,
        ),
      );
      const answer = await stack.get(path, { headers: asking });
      const told = [...(answers?.every ?? []), ...headers];
      const names = told.filter((_, i) => i % 2 === 0);
      for (const [at, name] of names.entries())
        expect([type, name, answer.header(name)]).toEqual([type, name, told[at * 2 + 1]]);
      for (const name of ["content-security-policy", "content-disposition"])
        expect([type, name, names.includes(name)]).toEqual([type, name, answer.header(name) !== undefined]);
      expect([type, answer.text.includes(upstream.origin)]).toEqual([type, !rewritesLinks]);
    }
  });
});
