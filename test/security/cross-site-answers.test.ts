import { describe, expect, test } from "vitest";
import { send, type RawAnswer, type RawRequest } from "../support/raw-client.ts";
import type { RawHandler } from "../support/raw-upstream.ts";
import type { Stack, StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

/* What answers say, so that pages of other sites cannot read, frame or keep them. */

const started = cleanedUp();
const foreign = "https://evil.example";
/** Of the same site as a browser sees it: below our own host. */
const sibling = "http://app.portal.localhost:4000";

/** An answer of the tenant that everybody may read, frame and keep, if it were for it. */
const generous =
  (status: string, type = "text/plain", ...headers: readonly string[]): RawHandler =>
  (_request, socket) => {
    const head = [
      `HTTP/1.1 ${status}`,
      "Access-Control-Allow-Origin: *",
      "Access-Control-Allow-Credentials: true",
      "Access-Control-Allow-Methods: *",
      "Cross-Origin-Resource-Policy: cross-origin",
      "X-Content-Type-Options: sniff",
      "Cache-Control: public, max-age=31536000",
      "Expires: Fri, 31 Jul 2099 00:00:00 GMT",
      `Content-Type: ${type}`,
      "Content-Length: 0",
      ...headers,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
  };

/** A proxy that offers data, files and a page, in front of that tenant. */
async function startInFront(handler: RawHandler, proxy: StackOptions["proxy"] = {}): Promise<Stack> {
  const policy = { presets: ["embed", "embed-write"] as const, allow: ["GET /single/**", "/api/v1/echo/**"] };
  const unsafe = { plainHttpTenant: true, plainHttpPublic: true, foreignScriptOnAppOrigin: true };
  const { stack } = await started.raw(handler, {
    proxy: { policy, unsafe, ...proxy } as StackOptions["proxy"] & object,
  });
  return stack;
}

const [data, file, page] = ["/api/v1/echo/a", "/resources/a.js", "/single/a"];

describe("every answer to our own page (attacks C5)", () => {
  test.each([
    ["200 OK", 200],
    ["201 Created", 201],
    ["206 Partial Content", 206],
    ["302 Found", 302],
    ["304 Not Modified", 304],
    ["404 Not Found", 404],
    ["500 Oops", 500],
  ])("may be loaded by no other site, and is what its type says: %s", async (line, status) => {
    const stack = await startInFront(generous(line, "text/plain", "Location: /api/v1/echo/b"));
    for (const path of [data, file, page]) {
      const answer = await stack.get(path);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.header("cross-origin-resource-policy")).toBe("same-origin");
      expect(answer.header("x-content-type-options")).toBe("nosniff");
    }
  });

  test("ours too: own routes, refusals and pages", async () => {
    const stack = await startInFront(generous("200 OK"));
    const asked: readonly (readonly [string, Partial<RawRequest> & { user?: null }])[] = [
      ["/_session", {}],
      ["/_session", { user: null }],
      ["/login", {}],
      ["/logout", {}],
      [data, { user: null }],
      ["/api/v1/users", {}],
      [data, { headers: { origin: foreign, "sec-fetch-site": "cross-site" } }],
      [data, { headers: { "sec-fetch-mode": "navigate" }, user: null }],
    ];
    for (const [path, request] of asked) {
      const answer = await stack.get(path, request);
      expect(answer.header("cross-origin-resource-policy")).toBe("same-origin");
      expect(answer.header("x-content-type-options")).toBe("nosniff");
      expect(answer.header("cache-control")).toBe("no-store");
    }
  });
});

describe("what an answer allows other origins (attacks C6)", () => {
  /** Whatever of CORS an answer says. */
  const corsOf = ({ rawHeaders }: RawAnswer): readonly string[] =>
    rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase().startsWith("access-control-"));

  const unlisted = [
    foreign,
    "null",
    "http://other.portal.localhost:4000",
    "http://portal.localhost.evil.tld",
    "*",
  ];

  test.each(unlisted)(
    "nothing to %s: neither a preflight nor a request is answered with a word of CORS",
    async (origin) => {
      const stack = await startInFront(generous("200 OK"), { allowedOrigins: [sibling] });
      for (const site of ["cross-site", "same-site", "same-origin"]) {
        const headers = { origin, "sec-fetch-site": site };
        const preflight = {
          "access-control-request-method": "POST",
          "access-control-request-headers": "x-a",
        };
        for (const path of [data, file, "/_session"]) {
          const asked = await stack.get(path, { method: "OPTIONS", headers: { ...headers, ...preflight } });
          expect([site, path, asked.status, corsOf(asked)]).toEqual([
            site,
            path,
            expect.toBeOneOf([400, 403, 404]),
            [],
          ]);
          expect(corsOf(await stack.get(path, { headers }))).toEqual([]);
        }
      }
    },
  );

  test("its exact name to one that is listed, with credentials, and never a wildcard", async () => {
    const stack = await startInFront(generous("200 OK"), { allowedOrigins: [sibling] });
    const headers = { origin: sibling, "sec-fetch-site": "same-site" };
    const preflight = { ...headers, "access-control-request-method": "POST" };
    const answers = [
      await stack.get(data, { method: "OPTIONS", headers: preflight }),
      await stack.get(data, { headers }),
      await stack.get(data, { headers, user: null }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([204, 200, 401]);
    for (const answer of answers) {
      expect(answer.header("access-control-allow-origin")).toBe(sibling);
      expect(answer.header("access-control-allow-credentials")).toBe("true");
      expect(answer.header("vary")).toContain("Origin");
      for (const name of corsOf(answer)) expect(answer.header(name)).not.toContain("*");
    }
  });
});

describe("who may frame a page of the tenant (attacks C9)", () => {
  /** The policies that a browser reads out of a header. */
  const policiesOf = (header = ""): readonly string[] => header.split(",").map((each) => each.trim());

  test.each<[string, readonly string[]]>([
    ["says nothing", []],
    ["forbids it", ["X-Frame-Options: DENY"]],
    ["allows it to its own origin", ["X-Frame-Options: SAMEORIGIN"]],
    ["allows it to everybody", ["X-Frame-Options: ALLOWALL", "Content-Security-Policy: frame-ancestors *"]],
    ["allows it in capitals", ["Content-Security-Policy: default-src 'self'; FRAME-ANCESTORS *"]],
    ["allows it twice in one policy", ["Content-Security-Policy: frame-ancestors *;\tframe-ancestors *"]],
    [
      "has two policies",
      ["Content-Security-Policy: frame-ancestors *", "Content-Security-Policy: script-src *"],
    ],
    ["has two policies in one line", ["Content-Security-Policy: script-src *, frame-ancestors *"]],
    ["only reports", ["Content-Security-Policy-Report-Only: frame-ancestors 'none'"]],
  ])("is our word where the tenant %s", async (_name, headers) => {
    for (const [frameAncestors, wanted] of [
      [undefined, "'self'"],
      [["none"], "'none'"],
      [["self", "https://intranet.example"], "'self' https://intranet.example"],
    ] as const) {
      const stack = await startInFront(
        generous("200 OK", "text/html", ...headers),
        frameAncestors ? { frameAncestors } : {},
      );
      const answer = await stack.get(page, { headers: { "sec-fetch-mode": "navigate" } });
      expect([answer.status, answer.header("x-frame-options")]).toEqual([200, undefined]);
      expect(answer.header("content-security-policy-report-only")).toBeUndefined();
      const policies = policiesOf(answer.header("content-security-policy"));
      const about = policies.map((each) => each.match(/frame-ancestors [^;]*/gi));
      // Each policy says it once: of two directives in one, a browser takes the first.
      expect(about).toEqual(policies.map(() => [`frame-ancestors ${wanted}`]));
    }
  });

  test.each(["text/html", "image/svg+xml", "application/pdf", ""])(
    "is our word for other answers too, of the type %j",
    async (type) => {
      const stack = await startInFront(generous("200 OK", type, "X-Frame-Options: ALLOWALL"));
      const answer = await stack.get(data, { headers: { "sec-fetch-mode": "navigate" } });
      expect(answer.header("content-security-policy")).toBe(
        "sandbox; default-src 'none'; frame-ancestors 'self'",
      );
      expect(answer.header("x-frame-options")).toBeUndefined();
    },
  );
});

describe("who may keep an answer (attacks C10)", () => {
  test.each([
    "200 OK",
    "201 Created",
    "206 Partial Content",
    "304 Not Modified",
    "404 Not Found",
    "500 Oops",
  ])("nobody but the browser that asked, for a user's data and pages: %s", async (line) => {
    const stack = await startInFront(generous(line));
    // A part of a file that is compressed on the way would be another part.
    const policy = line.startsWith("206") ? "private, no-cache, no-transform" : "private, no-cache";
    for (const path of [data, page]) {
      const answer = await stack.get(path);
      expect(answer.header("cache-control")).toBe(policy);
      expect(answer.header("expires")).toBeUndefined();
      for (const name of ["Cookie", "Origin", "Sec-Fetch-Site"])
        expect(answer.header("vary")).toContain(name);
    }
  });

  test("anybody, for a file whose name changes with its content, and for no other", async () => {
    const stack = await startInFront(generous("200 OK"));
    expect((await stack.get("/resources/a-0123abcd.js")).header("cache-control")).toBe(
      "public, max-age=31536000",
    );
    expect((await stack.get(file)).header("cache-control")).toBe("no-cache");
  });

  test("nobody, for what depends on where a request comes from: a refusal is none for the next", async () => {
    const stack = await startInFront(generous("200 OK"));
    const { origin } = stack;
    const refused = await send({ origin, path: `/qlik${data}`, headers: { "sec-fetch-site": "cross-site" } });
    expect([refused.status, refused.header("cache-control")]).toEqual([403, "no-store"]);
    for (const name of ["Cookie", "Origin", "Sec-Fetch-Site"]) expect(refused.header("vary")).toContain(name);
  });
});
