/* Where a login may lead to, and what our own pages and errors show. attacks R1 R2 */
import { describe, expect, test } from "vitest";
import { sendBytes } from "../support/raw-client.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { handshake } from "../support/raw-handshake.ts";
import type { Stack, StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const listed = "https://app.example.com";

describe("the address that a login leads to", () => {
  const start = (): Promise<Stack> => started.stack({ proxy: { allowedOrigins: [listed] } });
  const locationOf = async (stack: Stack, query: string): Promise<string | number | undefined> => {
    const answer = await stack.get(`/login?${query}`, { headers: { "sec-fetch-mode": "navigate" } });
    return answer.status === 302 ? answer.header("location") : answer.status;
  };

  test("is a path of ours, or below a listed origin", async () => {
    const stack = await start();
    expect(await locationOf(stack, "returnto=%2Fdashboard%3Fa%3Db%23c")).toBe(
      `${stack.origin}/dashboard?a=b#c`,
    );
    expect(await locationOf(stack, "returnto=dashboard")).toBe(`${stack.origin}/dashboard`);
    expect(await locationOf(stack, `returnto=${listed}/x`)).toBe(`${listed}/x`);
    expect(await locationOf(stack, "")).toBe(`${stack.origin}/`);
    // Of several the first counts, here as at whatever reads it after us.
    expect(await locationOf(stack, `returnto=/a&returnto=//evil.example`)).toBe(`${stack.origin}/a`);
  });

  const evil = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "\r\n//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "http:///evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "//evil.example%2f@portal",
    `${listed}.evil.example/`,
    `${listed}@evil.example/`,
    `${listed}:444/`,
    "https://user:pass@app.example.com/",
    "https://@app.example.com@evil.example/",
    "http://app.example.com/",
    "https://app.example.com./",
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "blob:https://app.example.com/x",
    "file:///etc/passwd",
    "ftp://app.example.com/",
    "https://[::1",
  ];

  test("is nothing else, however it is written and encoded", async () => {
    const stack = await start();
    for (const each of evil) {
      const spellings = [encodeURIComponent(each), each.replace(/[^\w./:@\\[\]-]/g, encodeURIComponent)];
      for (const spelling of spellings.filter((text) => !text.includes("\\"))) {
        expect([each, await locationOf(stack, `returnto=${spelling}`)]).toEqual([each, 400]);
      }
    }
  });

  test("is a header of one line, without what could end it", async () => {
    const stack = await start();
    const query = `returnto=${encodeURIComponent("/a\r\nSet-Cookie: x=y\r\n\r\n<script>")}`;
    const answer = await stack.get(`/login?${query}`);
    expect([answer.status, answer.header("location")]).toEqual([
      302,
      `${stack.origin}/aSet-Cookie:%20x=y%3Cscript%3E`,
    ]);
    expect(answer.header("set-cookie")).toBeUndefined();
  });
});

describe("what we say ourselves", () => {
  const mark = "c4n4ry";
  const script = `%3Cscript%3E${mark}`;
  /** A mark in everything that a client can say, as markup where that can be sent. */
  const headers = {
    referer: `https://${mark}.example/<script>${mark}`,
    "user-agent": `<script>${mark}</script>`,
    "accept-language": `"><img src=${mark}>`,
    "x-forwarded-host": `${mark}.example`,
    cookie: `a=<script>${mark}`,
    accept: "text/html",
  };
  interface Visit {
    readonly status: number;
    readonly path: string;
    readonly more?: Record<string, string>;
    readonly user?: string | null;
  }
  const items = `/api/v1/items?a=${script}`;
  const visits: readonly Visit[] = [
    { status: 400, path: `/%2e%2e/${script}` },
    { status: 401, path: items, user: null },
    { status: 403, path: items, more: { origin: `https://${mark}.example`, "sec-fetch-site": "cross-site" } },
    { status: 404, path: `/${script}` },
    { status: 404, path: `/_session/${script}` },
    { status: 421, path: items, more: { host: `${mark}.example` } },
    { status: 400, path: `/login?returnto=https://${mark}.example/${script}` },
    { status: 403, path: items, user: "disabled" },
    { status: 502, path: items, user: "mistaken" },
    { status: 500, path: items, user: `broken${mark}` },
  ];

  async function start(): Promise<Stack> {
    const tenant = started.keep(await startNamedTenant());
    const said = `<script>${mark}</script>`;
    tenant.onLogin(({ subject }, response) => {
      const code = subject === "disabled" ? "AUTH-5" : "AUTH-1";
      const body = JSON.stringify({ errors: [{ code, title: said, detail: said }] });
      response.writeHead(subject === "disabled" ? 403 : 401, { "x-said": said }).end(body);
      return false;
    });
    const proxy: StackOptions["proxy"] = {
      identify: ({ headers: { "x-test-user": user } }) => {
        if (user === `broken${mark}`) throw new Error(said);
        return typeof user === "string" ? { subject: user } : null;
      },
    };
    return started.stack({ tenantOrigin: tenant.origin, proxy });
  }

  test.each([...visits])(
    "a page of $status for $path shows nothing of it, and can do nothing",
    async ({ status, path, more = {}, user = "ann" }) => {
      const stack = await start();
      const navigation = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
      const answer = await stack.get(path, { user, headers: { ...headers, ...navigation, ...more } });
      expect([answer.status, answer.header("content-type")]).toEqual([status, "text/html; charset=utf-8"]);
      expect(answer.text + answer.rawHeaders.join("\n")).not.toContain(mark);
      expect(answer.header("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'/,
      );
      expect(answer.header("x-content-type-options")).toBe("nosniff");
      expect(answer.text).not.toMatch(/<script|javascript:|\son\w+=|<a |<img|<iframe|http-equiv/i);
    },
  );

  test.each([...visits])(
    "an error of $status for $path in JSON shows nothing of it either",
    async ({ status, path, more = {}, user = "ann" }) => {
      const stack = await start();
      const answer = await stack.get(path, { user, headers: { ...headers, ...more } });
      expect([answer.status, answer.header("content-type")]).toEqual([status, "application/json"]);
      expect(answer.text + answer.rawHeaders.join("\n")).not.toContain(mark);
      expect(answer.header("content-security-policy")).toBe("default-src 'none'");
    },
  );

  test("a refused upgrade and bytes that are no request are answered without a word of them", async () => {
    const stack = await start();
    const upgrade = { target: `/qlik/app/..%2f${mark}`, headers: { "sec-websocket-protocol": mark } };
    const refused = await sendBytes(stack.origin, handshake(stack.origin, upgrade));
    expect(refused.text).toMatch(/^HTTP\/1\.1 400 [^]*default-src 'none'/);
    expect(refused.text).not.toContain(mark);
  });

  test("the pages of a log-out show no address, are framed by nobody, and run nothing", async () => {
    const stack = await started.stack();
    const away = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
    const here = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" };
    for (const page of [
      await stack.get(`/logout?a=${script}`, { headers: { ...headers, ...away } }),
      await stack.get(`/logout?a=${script}`, { headers: { ...headers, ...here } }),
    ]) {
      expect([page.status, page.header("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      expect(page.text).not.toContain(mark);
      expect(page.text).not.toMatch(/<script|javascript:|\son\w+=|<img|<iframe|http-equiv/i);
      expect(page.header("content-security-policy")).toMatch(
        /^default-src 'none'; .*frame-ancestors 'none'; base-uri 'none'/,
      );
      expect(page.header("referrer-policy")).toBe("no-referrer");
    }
  });
});
