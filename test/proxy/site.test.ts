import { describe, expect, test } from "vitest";
import type { RawAnswer } from "../support/raw-client.ts";
import { connectTo } from "../support/raw-connection.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
/** Of the same site as a browser sees it: below our own host. */
const sibling = "http://app.portal.localhost:4000";
const foreign = "https://evil.example";
const rest = "/api/v1/users/me";
const file = "/assets/tenant.css";

type Headers = Record<string, string | readonly string[]>;

/** A request with exactly these headers beside who the user is. */
async function sendAs(stack: Stack, headers: Headers, method = "GET", path = rest): Promise<RawAnswer> {
  const { host } = new URL(stack.origin);
  const lines = Object.entries({ host, "x-test-user": "ann", "content-length": "0", ...headers }).flatMap(
    ([name, value]) => [value].flat().map((each) => `${name}: ${each.replace("OURS", stack.origin)}\r\n`),
  );
  const connection = await connectTo(stack.origin);
  connection.write(`${method} /qlik${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const text = await connection.until((all) => all.includes("\r\n\r\n"));
  connection.socket.destroy();
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const found = (name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trimEnd();
  return {
    status: Number(head.slice(9, 12)),
    rawHeaders: [],
    body: Buffer.from(body),
    complete: true,
    text: body,
    header: found,
    json: () => JSON.parse(body) as unknown,
  };
}

const withSibling = (): Promise<Stack> =>
  started.stack({ proxy: { allowedOrigins: [sibling], policy: { presets: ["embed", "embed-write"] } } });

describe("where a request may come from", () => {
  const same = { "sec-fetch-site": "same-origin" };
  const navigate = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  test.each<[string, Headers, string, string, number]>([
    ["another host", { host: "evil.example", ...same }, "GET", rest, 421],
    ["two origins", { origin: ["OURS", "OURS"], ...same }, "GET", rest, 400],
    ["two sites", { "sec-fetch-site": ["same-origin", "same-origin"] }, "GET", rest, 400],
    ["an origin with a path", { origin: "OURS/x", ...same }, "GET", rest, 400],
    ["our page", same, "GET", rest, 200],
    ["our page, writing", { origin: "OURS", ...same }, "POST", "/api/v1/licenses/allotments", 200],
    [
      "our page without referrer, writing",
      { origin: "null", ...same },
      "POST",
      "/api/v1/licenses/allotments",
      200,
    ],
    ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }, "GET", rest, 403],
    ["an origin that begins like ours", { origin: "http://portal.localhost.evil.example" }, "GET", rest, 403],
    ["a foreign page", { origin: foreign, "sec-fetch-site": "cross-site" }, "GET", rest, 403],
    ["a foreign form", { origin: foreign, "sec-fetch-site": "cross-site" }, "POST", rest, 403],
    ["a foreign page that says it is ours", { origin: foreign, ...same }, "POST", rest, 403],
    ["a foreign image", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, "GET", rest, 403],
    ["a foreign link to data", { "sec-fetch-site": "cross-site", ...navigate }, "GET", rest, 403],
    ["a listed sibling", { origin: sibling, "sec-fetch-site": "same-site" }, "GET", rest, 200],
    ["a listed sibling, old browser", { origin: sibling }, "GET", rest, 200],
    [
      "a sibling's image with its referrer",
      { "sec-fetch-site": "same-site", referer: `${sibling}/a` },
      "GET",
      rest,
      200,
    ],
    [
      "another sibling's image",
      { "sec-fetch-site": "same-site", referer: "http://x.portal.localhost/" },
      "GET",
      rest,
      403,
    ],
    ["a sibling's stylesheet", { "sec-fetch-site": "same-site" }, "GET", file, 200],
    ["a typed address", { "sec-fetch-site": "none", ...navigate }, "GET", rest, 200],
    ["a typed address, writing", { "sec-fetch-site": "none" }, "POST", rest, 403],
    ["an old browser, reading", {}, "GET", rest, 200],
    ["an old browser on a foreign page", { referer: `${foreign}/` }, "GET", rest, 403],
    ["an old browser, writing", { cookie: "a=1" }, "POST", rest, 403],
    ["nobody says from where, log-out", { cookie: "a=1" }, "DELETE", "/_session", 403],
    [
      "a foreign page, log-out",
      { origin: foreign, "sec-fetch-site": "cross-site" },
      "DELETE",
      "/_session",
      403,
    ],
    ["a foreign image, log-out", { "sec-fetch-site": "cross-site" }, "GET", "/logout", 403],
    [
      "OPTIONS that is no preflight",
      { origin: foreign, "sec-fetch-site": "cross-site" },
      "OPTIONS",
      "/api/v1/temp-contents/files",
      403,
    ],
  ])("%s", async (_name, headers, method, path, status) => {
    const stack = await withSibling();
    const asked = method === "POST" && path === rest ? "/api/v1/reports" : path;
    const answer = await sendAs(stack, headers, method, asked);
    expect([answer.status, answer.text]).toEqual([status, expect.any(String)]);
    const refused = status >= 400;
    expect(stack.tenant.recordings().length === 0).toBe(refused);
    expect(answer.header("access-control-allow-origin") === foreign).toBe(false);
  });

  test("an upgrade that the site guard refuses is refused before identity and tenant", async () => {
    const stack = await withSibling();
    const answer = await sendAs(
      stack,
      {
        origin: foreign,
        upgrade: "websocket",
        connection: "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "x-test-user": "",
      },
      "GET",
      "/app/some",
    );
    expect([answer.status, stack.tenant.recordings()]).toEqual([403, []]);
  });

  test("clients that are no browsers may leave out Origin where the operator says so", async () => {
    const path = "/api/v1/licenses/allotments";
    const strict = await started.stack();
    const lenient = await started.stack({ proxy: { allowMissingOrigin: true } });
    expect((await sendAs(strict, {}, "POST", path)).status).toBe(403);
    expect((await sendAs(lenient, {}, "POST", path)).status).toBe(200);
    const foreignPage = { origin: foreign };
    expect((await sendAs(lenient, foreignPage, "POST", path)).status).toBe(403);
  });
});

describe("CORS", () => {
  const cors = (answer: RawAnswer) => [
    answer.header("access-control-allow-origin"),
    answer.header("access-control-allow-credentials"),
  ];

  test("a listed origin may read answers, ours needs no word, others get none", async () => {
    const stack = await withSibling();
    const listed = await sendAs(stack, { origin: sibling, "sec-fetch-site": "same-site" });
    expect(cors(listed)).toEqual([sibling, "true"]);
    expect(listed.header("access-control-expose-headers")).toMatch(/location.*retry-after/);
    expect(listed.header("vary")).toMatch(/Origin/);
    expect(listed.header("cross-origin-resource-policy")).toBe("same-site");
    const own = await sendAs(stack, { origin: "OURS", "sec-fetch-site": "same-origin" });
    expect([own.status, ...cors(own)]).toEqual([200, undefined, undefined]);
    const other = await sendAs(stack, { origin: foreign, "sec-fetch-site": "cross-site" });
    expect([other.status, ...cors(other)]).toEqual([403, undefined, undefined]);
  });

  test.each([
    ["nobody signed in", rest, { "x-test-user": "" }, 401],
    ["a path that is closed", "/api/v1/spaces", {}, 404],
    ["a target with two meanings", "/api/v1/items/%2e%2e/spaces", {}, 400],
    ["an own route", "/_session", {}, 200],
    ["a file", file, {}, 200],
  ])("a listed origin can read %s", async (_name, path, headers, status) => {
    const stack = await withSibling();
    const answer = await sendAs(
      stack,
      { origin: sibling, "sec-fetch-site": "same-site", ...headers },
      "GET",
      path,
    );
    expect([answer.status, ...cors(answer)]).toEqual([status, sibling, "true"]);
  });

  test("a listed origin can read what is wrong with the tenant", async () => {
    const stack = await withSibling();
    stack.tenant.fault({ kind: "reset", stage: "request" });
    const answer = await sendAs(stack, { origin: sibling, "sec-fetch-site": "same-site" });
    expect([answer.status, ...cors(answer)]).toEqual([502, sibling, "true"]);
  });

  test.each([
    ["a listed origin", sibling, 204],
    ["a foreign one", foreign, 403],
    ["a sandboxed frame", "null", 403],
  ])("a preflight of %s is answered here, without identity", async (_name, origin, status) => {
    const stack = await withSibling();
    const answer = await sendAs(
      stack,
      {
        origin,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "content-type,tus-resumable,upload-offset",
        "sec-fetch-site": "same-site",
        "x-test-user": "",
      },
      "OPTIONS",
      "/api/v1/temp-contents/files/a",
    );
    const passes = status === 204;
    expect([answer.status, ...cors(answer)]).toEqual([
      status,
      ...(passes ? [sibling, "true"] : [undefined, undefined]),
    ]);
    expect(answer.header("access-control-allow-methods")?.includes("PATCH")).toBe(passes ? true : undefined);
    expect(answer.header("access-control-allow-headers")?.includes("upload-offset")).toBe(
      passes ? true : undefined,
    );
    expect(stack.tenant.recordings()).toHaveLength(0);
  });
});

describe("answers of our own", () => {
  test("errors have the tenant's shape, a trace id and a Proxy-Status; a person gets a page", async () => {
    const stack = await started.stack();
    const data = await stack.get(rest, { user: null });
    expect(data.json()).toEqual({
      errors: [{ code: "QSP-UNAUTHENTICATED", title: expect.any(String), status: "401" }],
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect([
      data.header("content-type"),
      data.header("cache-control"),
      data.header("x-content-type-options"),
    ]).toEqual(["application/json", "no-store", "nosniff"]);
    expect(data.header("proxy-status")).toMatch(/^qlik-session-proxy; error=/);
    const page = await stack.get("/api/v1/items?<script>alert(1)</script>", {
      user: null,
      headers: { "sec-fetch-mode": "navigate" },
    });
    expect([page.status, page.header("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
    expect(page.header("content-security-policy")).toMatch(/default-src 'none'/);
    expect(page.text).not.toContain("alert(1)");
  });

  test("HEAD of an error has no body", async () => {
    const stack = await started.stack();
    const answer = await stack.get(rest, { user: null, method: "HEAD" });
    expect([answer.status, answer.body.length, answer.complete]).toEqual([401, 0, true]);
  });
});
