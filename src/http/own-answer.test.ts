import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { errorTable, SessionProxyError, type ErrorCode } from "../errors.ts";
import { escapeHtml } from "./error-page.ts";
import { errorAnswer, upgradeRefusal } from "./own-answer.ts";
import { firstHeader, isHeaderName, isHeaderValue } from "./raw-headers.ts";

const traceId = "0123456789abcdef0123456789abcdef";
const codes = Object.keys(errorTable) as ErrorCode[];

describe("errorAnswer", () => {
  test("has the tenant's shape, with the status as text", () => {
    const answer = errorAnswer(new SessionProxyError("QSP-POLICY"), { navigation: false, traceId });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toEqual({
      errors: [
        { code: "QSP-POLICY", title: "This path or method is not offered by the proxy.", status: "404" },
      ],
      traceId,
    });
    expect(firstHeader(answer.headers, "content-type")).toBe("application/json");
  });

  test.each(codes)("%s says nothing of reasons and causes, in any form", (code) => {
    const canary = "canary-<script>";
    const error = new SessionProxyError(code, { reason: canary, cause: new Error(canary) });
    for (const navigation of [true, false]) {
      for (const upgrade of [true, false]) {
        const answer = errorAnswer(error, { navigation, traceId, upgrade });
        expect(answer.status).toBe(upgrade ? errorTable[code].upgradeStatus : errorTable[code].status);
        const all = answer.body.toString() + answer.headers.join("\n");
        expect(all).not.toContain("canary");
        expect(all).toContain(code);
        expect(all).toContain(traceId);
      }
    }
  });

  test.each(codes)("%s carries headers that are safe and complete", (code) => {
    for (const navigation of [true, false]) {
      const { headers, body } = errorAnswer(new SessionProxyError(code), { navigation, traceId });
      expect(headers.length % 2).toBe(0);
      expect(headers.filter((_, at) => at % 2 === 0).every(isHeaderName)).toBe(true);
      expect(headers.every(isHeaderValue)).toBe(true);
      expect(firstHeader(headers, "content-length")).toBe(String(body.length));
      expect(firstHeader(headers, "cache-control")).toBe("no-store");
      expect(firstHeader(headers, "x-content-type-options")).toBe("nosniff");
      expect(firstHeader(headers, "cross-origin-resource-policy")).toBe("same-origin");
      expect(firstHeader(headers, "content-security-policy")).toMatch(/^default-src 'none'/);
      expect(firstHeader(headers, "proxy-status")).toBe(
        `qlik-session-proxy; error=${errorTable[code].proxyStatus}`,
      );
    }
  });

  test("tells when to come back, if that is known, zero included", () => {
    const headers = (retryAfter?: number): string | undefined =>
      firstHeader(
        errorAnswer(new SessionProxyError("QSP-BUSY", retryAfter === undefined ? {} : { retryAfter }), {
          navigation: false,
          traceId,
        }).headers,
        "retry-after",
      );
    expect([headers(0), headers(30), headers()]).toEqual(["0", "30", undefined]);
  });

  test("keeps the status that the error chose", () => {
    const error = new SessionProxyError("QSP-TARGET", { status: 421 });
    const answer = errorAnswer(error, { navigation: false, traceId });
    expect([answer.status, JSON.parse(answer.body.toString()).errors[0].status]).toEqual([421, "421"]);
  });

  test("shows a page to a navigation, whose style its own policy admits and nothing else", () => {
    const answer = errorAnswer(new SessionProxyError("QSP-UNAUTHENTICATED"), { navigation: true, traceId });
    const html = answer.body.toString();
    expect(html).toContain("<h1>You are not signed in to this application.</h1>");
    expect(html).not.toMatch(/<script|<img|<link|href=|src=|style=|\son\w+=/);
    const style = /<style>([^]*)<\/style>/.exec(html)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(firstHeader(answer.headers, "content-security-policy")).toContain(`style-src 'sha256-${hash}'`);
  });

  test("escapes what it shows", () => {
    const answer = errorAnswer(new SessionProxyError("QSP-BUSY"), {
      navigation: true,
      traceId: `"><img src=x onerror=alert(1)>&'`,
    });
    expect(answer.body.toString()).not.toContain("<img");
    expect(escapeHtml(`<&>"'`)).toBe("&lt;&amp;&gt;&quot;&#39;");
  });

  test("never shows a page to an upgrade", () => {
    const answer = errorAnswer(new SessionProxyError("QSP-BUSY"), {
      navigation: true,
      traceId,
      upgrade: true,
    });
    expect(firstHeader(answer.headers, "content-type")).toBe("application/json");
  });
});

describe("upgradeRefusal", () => {
  test("is one complete response that ends the connection", () => {
    const answer = errorAnswer(new SessionProxyError("QSP-TOO-LARGE"), {
      navigation: false,
      traceId,
      upgrade: true,
    });
    const text = upgradeRefusal(answer);
    const [head, body] = text.split("\r\n\r\n") as [string, string];
    const lines = head.split("\r\n");
    expect(lines[0]).toBe("HTTP/1.1 431 Request Header Fields Too Large");
    expect(lines.filter((line) => /^content-length:/i.test(line))).toEqual([
      `Content-Length: ${answer.body.length}`,
    ]);
    expect(lines).toContain("Connection: close");
    expect(lines).toContain("Content-Type: application/json");
    expect(body).toBe(answer.body.toString());
  });

  test("states the length in bytes, once, whatever the answer says", () => {
    const text = upgradeRefusal({
      status: 599,
      headers: ["Connection", "keep-alive", "Content-Length", "1", "Transfer-Encoding", "chunked"],
      body: Buffer.from("\u00e9"),
    });
    expect(text).toBe("HTTP/1.1 599 Refused\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\u00e9");
  });
});
