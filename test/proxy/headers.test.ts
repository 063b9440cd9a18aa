import { describe, expect, test } from "vitest";
import { bytesOf } from "../../src/emulator/temp-contents.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { rawSession, rawToken, type SeenRequest } from "../support/raw-upstream.ts";
import { cleanedUp, echoRule } from "../support/started.ts";

const started = cleanedUp();

/** What shows the tenant whose a request is. */
const ours = wire.shownBy(rawSession, rawToken);
const last = (seen: readonly SeenRequest[]): SeenRequest => seen.at(-1) as SeenRequest;

describe("headers of the browser", () => {
  test.each([
    ["cookie", "canary=1; eas.sid=canary"],
    ["authorization", "Bearer canary"],
    ["proxy-authorization", "Basic canary"],
    ["origin", "ours"],
    ["referer", "http://portal.localhost/canary"],
    ["qlik-csrf-token", "canary"],
    ["qlik-web-integration-id", "canary"],
    ["qlik-anything-else", "canary"],
    ["forwarded", "for=canary"],
    ["via", "1.1 canary"],
    ["x-forwarded-for", "canary"],
    ["x-forwarded-host", "canary"],
    ["x-forwarded-proto", "canary"],
    ["x-forwarded-prefix", "/canary"],
    ["x-forwarded-user", "canary"],
    ["x-real-ip", "canary"],
    ["x-original-url", "/canary"],
    ["x-rewrite-url", "/canary"],
    ["x-http-method-override", "DELETE"],
    ["x-method-override", "DELETE"],
    ["x_forwarded_user", "canary"],
    ["qlik_csrf_token", "canary"],
    ["x_test_user", "canary"],
    ["x-test-user", "ann"],
    ["sec-fetch-dest", "empty"],
    ["te", "trailers"],
    ["keep-alive", "timeout=canary"],
    ["proxy-connection", "keep-alive"],
    ["upgrade-insecure.requests", "canary"],
  ])("%s never reaches the tenant", async (name, value) => {
    const { stack, upstream } = await started.raw();
    const sent = value === "ours" ? stack.origin : value;
    const answer = await stack.get("/api/v1/echo/a", { headers: { [name]: sent } });
    expect(answer.status).toBe(200);
    const { headers } = last(upstream.seen);
    const names = headers.map(([each]) => each);
    // What shows whose the request is, is ours.
    const shown = ours.map(([each]) => each);
    expect(names.filter((each) => each === name || shown.includes(each))).toEqual(shown);
    expect(JSON.stringify(headers)).not.toContain("canary");
  });

  test("what a browser sends beside these arrives, in its order and spelling", async () => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const capture = await started.stack({ proxy: { policy: { allow: [echoRule] } } });
    const headers = {
      Accept: "application/json, */*;q=0.1",
      "Accept-Language": "de-CH, en;q=0.5",
      "User-Agent": "Mozilla/5.0 (test)",
      "Content-Type": "text/plain; charset=utf-8",
      "Qlik-API-Version": "1",
      "X-Qlik-Overrides": "a,b",
      "X-Custom": '\u00e9\u00fc ;=,\t"',
      "If-Modified-Since": "Fri, 31 Jul 2026 00:00:00 GMT",
      Priority: "u=1",
    };
    expect((await stack.get("/api/v1/echo/a", { headers })).status).toBe(200);
    await capture.get("/api/v1/echo/a", { headers });
    const seen = capture.tenant.recordings({ path: "/api/v1/echo/a" })[0]?.headers ?? [];
    expect(seen.filter(([name]) => name in headers)).toEqual(Object.entries(headers));
  });

  test("a client's Connection header takes away nothing of ours", async () => {
    const { stack, upstream } = await started.raw();
    const connection = await connectTo(stack.origin);
    connection.write(
      requestHead(stack.origin, "POST /qlik/api/v1/echo/a HTTP/1.1", [
        "Connection: cookie, Qlik-CSRF-Token, host, content-length, transfer-encoding, x-mine",
        "Connection: keep-alive",
        "X-Mine: 1",
        "X-Other: 2",
        "Content-Length: 5",
      ]) + "hello",
    );
    await connection.until((text) => text.endsWith("ok"));
    connection.socket.destroy();
    const request = last(upstream.seen);
    for (const [name, value] of ours) expect([name, request.header(name)]).toEqual([name, value]);
    expect(request.header("qlik-csrf-token")).toBe(wire.token.inRequests ? rawToken : undefined);
    expect([request.header("content-length"), request.body]).toEqual(["5", "hello"]);
    expect([request.header("x-mine"), request.header("x-other")]).toEqual([undefined, "2"]);
    expect(request.header("connection")).toBe("keep-alive");
  });

  test("our credentials come once, and last", async () => {
    const { stack, upstream } = await started.raw();
    await stack.get("/api/v1/echo/a", {
      method: "POST",
      headers: { cookie: ["a=1", "b=2"], "qlik-csrf-token": ["x", "y"] },
    });
    const { headers } = last(upstream.seen);
    const names = headers.map(([name]) => name);
    const token = wire.token.inRequests ? [["qlik-csrf-token", rawToken] as const] : [];
    expect(headers.filter(([name]) => /cookie|authorization|^qlik-/.test(name))).toEqual([...ours, ...token]);
    for (const name of ["host", "content-length"])
      expect([name, names.filter((each) => each === name).length]).toEqual([name, 1]);
  });

  test("static files are asked for without anybody's session", async () => {
    const { stack, upstream } = await started.raw();
    await stack.get("/api/v1/echo/a");
    await stack.get("/resources/a.js", { headers: { cookie: "canary=1" } });
    const request = last(upstream.seen);
    expect([request.path, request.header("cookie"), request.header("authorization")]).toEqual([
      "/resources/a.js",
      undefined,
      undefined,
    ]);
  });
});

/** Headers of the tenant that would act on the app's origin, or tell of the tenant's machinery. */
const harmful = [
  "Set-Cookie: leak=canary; Domain=.example.com; Expires=Fri, 31 Jul 2026 00:00:00 GMT",
  "Set-Cookie: eas.sid=canary; Path=/; HttpOnly",
  "Set-Cookie2: canary=1",
  "Access-Control-Allow-Origin: https://canary.example",
  "Access-Control-Allow-Credentials: true",
  "Access-Control-Expose-Headers: canary",
  "Strict-Transport-Security: max-age=1; includeSubDomains",
  "Public-Key-Pins: canary",
  'Clear-Site-Data: "*"',
  "Content-Security-Policy: default-src canary",
  "Content-Security-Policy-Report-Only: default-src canary",
  "X-Frame-Options: ALLOW-FROM https://canary.example",
  "Service-Worker-Allowed: /",
  "NEL: canary",
  "Report-To: canary",
  "Reporting-Endpoints: canary",
  'Alt-Svc: h3=":443"',
  "Refresh: 0;url=https://canary.example",
  "Cross-Origin-Opener-Policy: unsafe-none",
  "Cross-Origin-Embedder-Policy: require-corp",
  "Cross-Origin-Resource-Policy: cross-origin",
  "Origin-Agent-Cluster: ?1",
  "Permissions-Policy: geolocation=*",
  "Timing-Allow-Origin: *",
  "Accept-CH: canary",
  "Server: canary/1.0",
  "Via: 1.1 canary",
  "X-Powered-By: canary",
  "X-Envoy-Upstream-Service-Time: 1",
  "X-Amz-Cf-Id: canary",
  "Server-Timing: canary;dur=1",
  "Proxy-Status: canary",
  "WWW-Authenticate: Basic realm=canary",
  "qlik-csrf-token: canary",
  "SourceMap: https://canary.example/x.map",
  "Keep-Alive: timeout=99",
  "Trailer: X-Canary",
  "Connection: x-listed",
  "X-Listed: canary",
];

describe("headers of the tenant", () => {
  test.each([
    ["an answer", "/api/v1/echo/a", "200 OK"],
    ["a static file", "/resources/a.js", "200 OK"],
    ["an error", "/api/v1/echo/a", "404 Not Found"],
    ["an answer without body", "/api/v1/echo/a", "304 Not Modified"],
    ["a redirect", "/api/v1/echo/a", "302 Found"],
  ])("what would act on our origin stays behind: %s", async (_name, path, status) => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write(
        `HTTP/1.1 ${status}\r\n${harmful.join("\r\n")}\r\nX-Kept: yes\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n`,
      );
    });
    const answer = await stack.get(path);
    expect([answer.status, answer.header("x-kept")]).toEqual([Number(status.slice(0, 3)), "yes"]);
    expect(answer.rawHeaders.join("\n")).not.toMatch(/canary/i);
    const names = answer.rawHeaders
      .filter((_each, index) => index % 2 === 0)
      .map((name) => name.toLowerCase());
    const stopped = harmful.map((line) => line.slice(0, line.indexOf(":")).toLowerCase());
    const ours = ["connection", "keep-alive", "cross-origin-resource-policy", "server-timing"];
    expect(names.filter((name) => stopped.includes(name) && !ours.includes(name))).toEqual([]);
    expect(answer.header("cross-origin-resource-policy")).toBe("same-origin");
    expect(answer.header("server-timing")).toMatch(/^qlik;dur=\d+, qsp;dur=\d+(, login;dur=\d+)?$/);
  });

  test("cookies that the tenant sets in passing are sent back to it, not to the browser", async () => {
    const { stack, upstream } = await started.raw((_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nSet-Cookie: AWSALB=lb-1; Path=/\r\nContent-Length: 2\r\n\r\nok");
    });
    await stack.get("/api/v1/echo/a");
    await stack.get("/api/v1/echo/a");
    expect(last(upstream.seen).header("cookie")).toContain("AWSALB=lb-1");
    await stack.get("/api/v1/echo/a", { user: "bob" });
    expect(JSON.stringify(last(upstream.seen))).not.toContain("lb-1");
  });

  test("values that cannot be written again are left out, and the answer arrives", async () => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write(
        Buffer.from(
          "HTTP/1.1 200 OK\r\nX-High: caf\u00e9\r\nX-Empty:\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 2\r\n\r\nok",
          "latin1",
        ),
      );
    });
    const answer = await stack.get("/api/v1/echo/a");
    expect([
      answer.text,
      answer.header("x-high"),
      answer.header("x-empty"),
      answer.header("x-twice"),
    ]).toEqual(["ok", "caf\u00e9", "", "1, 2"]);
  });

  test("hints that make the browser load something are left out of Link", async () => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write(
        "HTTP/1.1 200 OK\r\nLink: <https://canary.example/a.js>; rel=preload; as=script, " +
          `<${wire.base}/next>; rel=next\r\n` +
          'Link: </canary>; title="a, b"; REL="x Modulepreload"\r\nLink: <https://canary.example>; rel=preconnect\r\n' +
          "Content-Length: 2\r\n\r\nok",
      );
    });
    const answer = await stack.get("/api/v1/echo/a");
    expect(answer.header("link")).toBe("</qlik/next>; rel=next");
  });
});

describe("active content", () => {
  test.each([
    ["text/html; charset=utf-8", true],
    ["application/xhtml+xml", true],
    ["image/svg+xml", true],
    ["application/xml", true],
    ["application/pdf", false],
    ["", false],
  ])("%s is shown sandboxed, and saved where it is a document", async (contentType, attachment) => {
    const stack = await started.stack({ proxy: { policy: { presets: ["embed", "embed-write"] } } });
    const content = stack.tenant.addTempContent({
      contentType,
      bytes: bytesOf(Buffer.from("<script>alert(1)</script>")),
    });
    const answer = await stack.get(`/api/v1/temp-contents/${content.id}?inline=1`, {
      headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    });
    expect(answer.status).toBe(200);
    expect(answer.header("content-security-policy")).toBe(
      "sandbox; default-src 'none'; frame-ancestors 'self'",
    );
    expect(answer.header("x-content-type-options")).toBe("nosniff");
    expect(answer.header("content-disposition")).toMatch(attachment ? /^attachment; filename=/ : /^inline/);
  });

  test("of two types the more dangerous one counts, and a document without a name is saved too", async () => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok",
      );
    });
    const answer = await stack.get("/api/v1/echo/a");
    expect(answer.header("content-security-policy")).toBe(
      "sandbox; default-src 'none'; frame-ancestors 'self'",
    );
    expect(answer.header("content-disposition")).toBe("attachment");
  });

  test("a 304 without a type leaves the policy of what the browser has kept", async () => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n');
    });
    const answer = await stack.get("/assets/worker.js", { headers: { "if-none-match": '"a"' } });
    expect([answer.status, answer.header("content-security-policy")]).toEqual([304, undefined]);
    expect(answer.header("content-disposition")).toBeUndefined();
  });

  test("content that cannot run is left as it is", async () => {
    const stack = await started.stack({ proxy: { policy: { presets: ["embed", "embed-write"] } } });
    const content = stack.tenant.addTempContent({ name: "a.png", bytes: bytesOf(Buffer.from("png")) });
    const answer = await stack.get(`/api/v1/temp-contents/${content.id}?inline=1`);
    expect(answer.header("content-disposition")).toMatch(/^inline/);
    expect(answer.header("content-security-policy")).toBeUndefined();
    expect(answer.header("x-content-type-options")).toBe("nosniff");
  });

  test.each([{ "service-worker": "script" }, { "sec-fetch-dest": "serviceworker" }])(
    "no service worker is served: %o",
    async (headers) => {
      const stack = await started.stack();
      const answer = await stack.get("/resources/js/tenant-page.js", { headers });
      expect([answer.status, stack.tenant.recordings()]).toEqual([403, []]);
    },
  );
});

describe("caching", () => {
  const cached = async (path: string, head: string): Promise<(string | undefined)[]> => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}Content-Length: 2\r\n\r\nok`);
    });
    const { header } = await stack.get(path);
    return [header("cache-control"), header("vary"), header("expires")];
  };

  test.each([
    [
      "Cache-Control: public, max-age=3600\r\nExpires: Fri, 31 Jul 2026 00:00:00 GMT\r\n",
      "private, no-cache",
    ],
    ["Cache-Control: no-store, max-age=0\r\n", "private, no-store"],
    ["Cache-Control: max-age=1\r\nCache-Control: no-store\r\nPragma: cache\r\n", "private, no-store"],
    ["", "private, no-cache"],
  ])("answers of a user are nobody else's: %j", async (head, wanted) => {
    expect(await cached("/api/v1/echo/a", `${head}Vary: Accept-Encoding\r\n`)).toEqual([
      wanted,
      "Accept-Encoding, Origin, Sec-Fetch-Site, Cookie",
      undefined,
    ]);
  });

  test.each([
    ["/assets/main-0123abcd.js", "Cache-Control: public, max-age=31536000\r\n", "public, max-age=31536000"],
    ["/assets/main.js", "Cache-Control: public, max-age=31536000\r\n", "no-cache"],
    ["/assets/main.js", "", "no-cache"],
    ["/assets/main.js", "Cache-Control: no-store\r\n", "no-store"],
  ])("%s keeps its age only where its name changes with it: %j", async (path, head, wanted) => {
    expect(await cached(path, head)).toEqual([wanted, "Origin, Sec-Fetch-Site", undefined]);
  });
});
