import { describe, expect, test } from "vitest";
import type { RawAnswer } from "../support/raw-client.ts";
import { forwarded, type SeenRequest } from "../support/raw-upstream.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { loginsAt, nameAtTenant } from "../support/tenant-kind.ts";

const started = cleanedUp();
const unsafe = { plainHttpTenant: true, plainHttpPublic: true };

const codeOf = (answer: RawAnswer): unknown =>
  (answer.json() as { readonly errors: readonly { readonly code: string }[] }).errors[0]?.code;

/** What the tenant was asked beside the session's own calls. */
const asked = (seen: readonly SeenRequest[]): string[] =>
  forwarded(seen).map(({ method, path }) => `${method} ${path}`);

describe("preset assistants", () => {
  const proxy = { policy: { presets: ["embed", "assistants"] } };
  const thread = "/api/v1/assistants/a/threads/t";

  const ask = (stack: Stack, path: string, method = "POST"): Promise<RawAnswer> =>
    stack.get(path, {
      method,
      headers: { origin: stack.origin, "content-type": "application/json" },
      ...(method === "GET" || method === "DELETE"
        ? {}
        : { body: JSON.stringify({ input: { prompt: "Which apps?" } }) }),
    });

  test("an answer comes whole, or as a stream of events", async () => {
    const stack = await started.stack({ proxy });
    const whole = await ask(stack, `${thread}/actions/invoke`);
    expect([whole.status, whole.json()]).toEqual([200, expect.objectContaining({ question: "Which apps?" })]);
    stack.tenant.modes.eventInterval = 1;
    const streamed = await ask(stack, `${thread}/actions/stream`);
    expect([streamed.status, streamed.header("content-type")]).toEqual([200, "text/event-stream"]);
    expect(streamed.text.split("\n\n").length).toBeGreaterThan(5);
  });

  test.each([
    ["GET", "/api/v1/assistants?limit=1"],
    ["GET", "/api/v1/assistants/a"],
    ["GET", "/api/v1/assistants/a/starters"],
    ["GET", "/api/v1/assistants/a/threads"],
    ["POST", "/api/v1/assistants/a/threads"],
    ["PATCH", thread],
    ["DELETE", thread],
    ["GET", `${thread}/interactions`],
    ["DELETE", `${thread}/interactions/i`],
    ["POST", `${thread}/interactions/i/feedback`],
    ["PATCH", `${thread}/interactions/i/feedback/f`],
    ["POST", "/api/v1/assistants/a/sources/plaintexts"],
    ["GET", "/api/v1/apps/x/insight-analyses/model"],
    ["POST", "/api/v1/apps/x/insight-analyses/actions/recommend"],
    ["POST", "/api/v1/questions/actions/ask"],
  ])("asking is offered: %s %s", async (method, path) => {
    const { stack, upstream } = await started.raw(undefined, { proxy });
    expect((await ask(stack, path, method)).status).toBe(200);
    expect(asked(upstream.seen)).toEqual([`${method} ${path}`]);
  });

  test.each([
    ["POST", "/api/v1/assistants"],
    ["PATCH", "/api/v1/assistants/a"],
    ["DELETE", "/api/v1/assistants/a"],
    ["POST", "/api/v1/assistants/a/starters"],
    ["DELETE", "/api/v1/assistants/a/starters/s"],
    ["GET", "/api/v1/assistants/a/feedback"],
    ["POST", `${thread}/interactions/i/reviews`],
    ["GET", "/api/v1/knowledgebases"],
    ["DELETE", "/api/v1/knowledgebases/k"],
    ["POST", `${thread}/actions/other`],
  ])("making and tending assistants is not: %s %s", async (method, path) => {
    const { stack, upstream } = await started.raw(undefined, { proxy });
    const answer = await ask(stack, path, method);
    expect([answer.status, codeOf(answer)]).toEqual([404, "QSP-POLICY"]);
    expect(upstream.seen).toEqual([]);
  });
});

describe("preset classic, where the operator trusts the tenant's pages", () => {
  const proxy = {
    prefix: "/",
    policy: { presets: ["embed", "embed-write", "classic"] },
    frameAncestors: ["self", "https://intranet.example.com"],
    unsafe: { ...unsafe, foreignScriptOnAppOrigin: true },
  };
  const navigation = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  const startPages = (): Promise<Stack> => started.stack({ proxy });

  /** The directives of the only policy of an answer. */
  function policyOf(answer: RawAnswer): Readonly<Record<string, string>> {
    const header = answer.header("content-security-policy") ?? "";
    expect(header).not.toContain(",");
    return Object.fromEntries(
      header.split(";").map((directive) => {
        const [name = "", ...sources] = directive.trim().split(/\s+/);
        return [name, sources.join(" ")];
      }),
    );
  }

  test.each(["/single/?appid=x&obj=y", "/single", "/sense/app/x", "/sense/app/x/sheet/y/state/analysis"])(
    "the page %s comes with our frame and connect policy, and the rest of the tenant's",
    async (path) => {
      const stack = await startPages();
      const answer = await stack.get(path, { headers: navigation });
      expect([answer.status, answer.header("content-type")]).toEqual([200, expect.stringContaining("html")]);
      const policy = policyOf(answer);
      expect(policy["frame-ancestors"]).toBe("'self' https://intranet.example.com");
      expect(policy["connect-src"]?.split(" ")).toEqual(
        expect.arrayContaining(["'self'", stack.origin, stack.origin.replace("http", "ws")]),
      );
      expect(policy["script-src"]).toBe("'self'");
      expect(Object.keys(policy)).not.toContain("sandbox");
      expect(answer.header("cache-control")).toBe("private, no-store");
      expect(answer.header("x-content-type-options")).toBe("nosniff");
      for (const name of [
        "set-cookie",
        "x-frame-options",
        "content-disposition",
        "strict-transport-security",
      ])
        expect([name, answer.header(name)]).toEqual([name, undefined]);
    },
  );

  test("what a page loads at the root is there too: files without a person, data and sockets with one", async () => {
    const stack = await startPages();
    expect((await stack.get("/resources/js/tenant-page.js", { user: null })).status).toBe(200);
    expect((await stack.get("/assets/tenant.css", { user: null })).status).toBe(200);
    expect((await stack.get("/api/v1/users/me")).status).toBe(200);
    expect(await stack.socket("/app/engineData").message()).toContain("OnConnected");
  });

  test("nobody signed in gets our page for it, and never the tenant's login", async () => {
    const stack = await startPages();
    const answer = await stack.get("/single/?appid=x", { user: null, headers: navigation });
    expect([answer.status, answer.text]).toEqual([401, expect.stringContaining("QSP-UNAUTHENTICATED")]);
    expect(answer.header("location")).toBeUndefined();
    expect(stack.tenant.recordings()).toEqual([]);
  });

  test("a page whose tenant session was lost is fetched again with a new one", async () => {
    const stack = await startPages();
    await stack.get("/api/v1/users/me");
    stack.tenant.sessions.expire(nameAtTenant("ann"));
    const answer = await stack.get("/single/?appid=x", { headers: navigation });
    expect([answer.status, answer.header("location")]).toEqual([200, undefined]);
    expect(loginsAt(stack.tenant)).toHaveLength(2);
  });

  test("a link from elsewhere leads to a page; a frame, an image and a fetch from elsewhere do not", async () => {
    const stack = await startPages();
    const from = (headers: Record<string, string>): Promise<RawAnswer> =>
      stack.get("/single/?appid=x", { headers: { "sec-fetch-site": "cross-site", ...headers } });
    expect((await from(navigation)).status).toBe(200);
    for (const [mode, dest] of [
      ["navigate", "iframe"],
      ["no-cors", "image"],
      ["cors", "empty"],
    ] as const) {
      expect((await from({ "sec-fetch-mode": mode, "sec-fetch-dest": dest })).status).toBe(403);
    }
  });

  const html = "<!doctype html><script>1</script>";
  const startRaw = () =>
    started.raw(
      (_request, socket) =>
        void socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${html.length}\r\n\r\n${html}`,
        ),
      { proxy },
    );

  test.each([
    "/api/v1/temp-contents/x?inline=1",
    "/api/v1/data-files/x",
    "/api/v1/apps/x/media/files/a.html",
    "/api/v1/extensions/x/file/a.html",
    "/content/a.html",
    "/themes/x/a.html",
  ])("content that is no page is contained as ever: %s", async (path) => {
    const { stack } = await startRaw();
    const answer = await stack.get(path, { headers: navigation });
    expect(answer.status).toBe(200);
    expect(answer.header("content-security-policy")).toMatch(
      /^sandbox; default-src 'none'; frame-ancestors \S/,
    );
    expect(answer.header("content-disposition")).toBe("attachment");
  });

  test("an extension runs as the pages do", async () => {
    const { stack } = await startRaw();
    const answer = await stack.get("/extensions/mashup/index.html", { headers: navigation });
    expect([answer.status, answer.text]).toEqual([200, html]);
    expect(policyOf(answer)).toEqual({ "frame-ancestors": "'self' https://intranet.example.com" });
  });

  test.each([{ "service-worker": "script" }, { "sec-fetch-dest": "serviceworker" }])(
    "no page may install a service worker over the application: %j",
    async (headers) => {
      const { stack, upstream } = await startRaw();
      const answer = await stack.get("/extensions/x/worker.js", { headers });
      expect([answer.status, codeOf(answer)]).toEqual([403, "QSP-CROSS-SITE"]);
      expect(asked(upstream.seen)).toEqual([]);
    },
  );
});
