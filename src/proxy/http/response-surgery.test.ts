import { validateHeaderName, validateHeaderValue } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstHeader, headerValues } from "../../http/raw-headers.ts";
import { prepareResponse, type ResponseRules } from "./rewrite-response.ts";

/* Whatever a tenant answers, in whatever order, case and number: what reaches the browser keeps our word. */

const origin = "https://acme.eu.qlikcloud.com";

const pick = fc.constantFrom;

/** They act on the app's origin, or tell of the machinery; where we have a word of our own, only that may be there. */
const forbidden = [
  "Set-Cookie",
  "Set-Cookie2",
  "Strict-Transport-Security",
  "Clear-Site-Data",
  "Service-Worker-Allowed",
  "NEL",
  "Report-To",
  "Alt-Svc",
  "X-Frame-Options",
  "Access-Control-Allow-Methods",
  "Refresh",
  "WWW-Authenticate",
  "Server",
  "Via",
  "X-Powered-By",
  "Qlik-CSRF-Token",
  "Connection",
  "Keep-Alive",
  "Transfer-Encoding",
  "Upgrade",
  "Trailer",
  "Proxy-Authenticate",
] as const;

const isForbidden: ReadonlySet<string> = new Set(forbidden.map((name) => name.toLowerCase()));

/** Headers that we write; the tenant's may not stand beside them. */
const ours = [
  "Cache-Control",
  "Vary",
  "X-Content-Type-Options",
  "Cross-Origin-Resource-Policy",
  "Access-Control-Allow-Origin",
  "Access-Control-Allow-Credentials",
  "Access-Control-Expose-Headers",
  "Server-Timing",
] as const;

const odd = pick("a\u0000b", "a\r\nSet-Cookie: a=b", "\u0100", "a\u007f", "\u001b[31m");

const kept: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  [
    "Content-Type",
    pick(
      "text/html",
      "application/json",
      "image/png",
      "IMAGE/SVG+XML",
      "text/plain; a=b",
      "text/event-stream",
      "",
      "x",
    ),
  ],
  ["Content-Disposition", pick("inline", 'attachment; filename="a.html"', "inline; filename=a", "")],
  ["Content-Length", pick("0", "12")],
  ["Content-Encoding", pick("gzip", "br", "identity")],
  [
    "Content-Security-Policy",
    pick("default-src 'self'", "frame-ancestors *", "connect-src 'self'; report-uri /x"),
  ],
  ["ETag", pick('"a"', 'W/"b"', '"')],
  ["Location", pick("/login", `${origin}/x`, "https://elsewhere.example/", "")],
  ["Link", pick("</a.js>; rel=preload", "</b>; rel=next", "x")],
  ["Expires", pick("0")],
  ["X-Own", fc.stringMatching(/^[\t -~]{0,8}$/)],
  ["x_own", pick("1")],
];

const named = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(...kept.map(([name, value]) => fc.tuple(fc.constant(name), value))) },
  {
    weight: 2,
    arbitrary: fc.tuple(pick(...forbidden, ...ours), pick("canary", "canary=1", "close", "chunked")),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant("Cache-Control"), pick("no-store", "max-age=1, No-Transform")),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(pick("Content-Type", "Content-Disposition", "Content-Security-Policy", "X-Own"), odd),
  },
  { weight: 1, arbitrary: fc.tuple(pick("X Own", "", "X-\u00e9", "X:", "X\r\nY"), fc.constant("canary")) },
);

/** Names that the tenant's `Connection` may list. */
const listed = fc
  .array(pick(...kept.map(([name]) => name), ...ours, "close", "\u00a0", ""), { maxLength: 3 })
  .map((names) => ["Connection", names.join(", ")] as const);

const cased = fc
  .tuple(fc.oneof({ weight: 5, arbitrary: named }, listed), pick(0, 1, 2))
  .map(([[name, value], how]): readonly [string, string] => [
    how === 0 ? name : how === 1 ? name.toLowerCase() : name.toUpperCase(),
    value,
  ]);

const lines = fc.array(cased, { maxLength: 10 });

const status = pick(200, 201, 204, 206, 301, 304, 401, 403, 500);

const rules: fc.Arbitrary<ResponseRules> = fc.record({
  routeClass: pick("static", "rest", "page"),
  method: pick("GET", "HEAD", "POST", "DELETE"),
  path: pick("/api/v1/items", "/resources/a.0123456789abcdef.js", "/sense/app/a", "/api/v1/temp-contents/a"),
  isRange: fc.boolean(),
  tenantOrigin: fc.constant(origin),
  publicBase: fc.constant("https://portal.example.com/qlik"),
  prefix: fc.constant("/qlik"),
  corsOrigin: pick(undefined, "https://sibling.example.com"),
  resourcePolicy: pick("same-origin", "same-site"),
  frameAncestors: pick([], ["self"], ["https://portal.example.com"]),
  trustsPages: fc.boolean(),
  tagSuffix: pick(null, "suffix"),
  hasOwnTag: fc.boolean(),
  serverTiming: fc.constant("qlik;dur=1, qsp;dur=0"),
});

const answer = fc.record({ status, lines });

const flat = (pairs: readonly (readonly [string, string])[]): string[] => pairs.flat();

const pairsOf = (raw: readonly string[]): [string, string][] =>
  Array.from({ length: raw.length / 2 }, (_each, index) => [raw[2 * index] ?? "", raw[2 * index + 1] ?? ""]);

/** Whether the tenant's `Connection` takes a header away, which then says nothing. RFC 9110 §7.6.1 */
const isOfConnection = (raw: readonly string[], name: string): boolean =>
  headerValues(raw, "connection").some((list) => list.toLowerCase().split(", ").includes(name));

const sorted = (raw: readonly string[]): string[] => pairsOf(raw).map(String).toSorted();

/** Runs a check on what becomes of answers. */
function forAnswers(
  check: (
    headers: readonly string[],
    rules: ResponseRules,
    given: { status: number; headers: string[] },
  ) => void,
): void {
  fc.assert(
    fc.property(answer, rules, (given, where) => {
      const raw = { status: given.status, headers: flat(given.lines) };
      check(prepareResponse(raw, where).headers, where, raw);
    }),
    { numRuns: 1000 },
  );
}

describe("the headers of an answer, whatever the tenant said", () => {
  test("are such as node writes, each of them", () => {
    forAnswers((headers) => {
      expect(headers.length % 2).toBe(0);
      for (const [name, value] of pairsOf(headers)) {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      }
    });
  });

  test("hold nothing that acts on our origin, and each header of ours once, as we say it", () => {
    forAnswers((headers, where, given) => {
      expect(pairsOf(headers).filter(([name]) => isForbidden.has(name.toLowerCase()))).toEqual([]);
      const cors = where.corsOrigin === undefined ? [] : [where.corsOrigin];
      expect(headerValues(headers, "access-control-allow-origin")).toEqual(cors);
      expect(headerValues(headers, "access-control-allow-credentials")).toEqual(cors.map(() => "true"));
      expect(headerValues(headers, "access-control-expose-headers")).toHaveLength(cors.length);
      expect(headerValues(headers, "x-content-type-options")).toEqual(["nosniff"]);
      expect(headerValues(headers, "cross-origin-resource-policy")).toEqual([where.resourcePolicy]);
      expect(headerValues(headers, "server-timing")).toEqual([where.serverTiming]);
      expect(headerValues(headers, "cache-control")).toHaveLength(1);
      const isPrivate = where.routeClass !== "static";
      const isStream = firstHeader(headers, "content-type") === "text/event-stream";
      const said = isOfConnection(given.headers, "cache-control")
        ? ""
        : headerValues(given.headers, "cache-control").join();
      const keepsForm = given.status === 206 || isStream || /no-transform/i.test(said);
      const policy = firstHeader(headers, "cache-control") ?? "";
      expect([policy === "", /no-transform/i.test(policy)]).toEqual([false, keepsForm]);
      const kept = /no-store/i.test(said) ? "no-store" : "no-cache";
      expect(policy).toBe(isPrivate ? `private, ${kept}${keepsForm ? ", no-transform" : ""}` : policy);
      expect(firstHeader(headers, "vary")).toMatch(isPrivate ? /\bcookie$/i : /\bsec-fetch-site$/i);
    });
  });

  test("keep what could run as the app from doing so, by the type that the browser is told", () => {
    forAnswers((headers, where, given) => {
      if (where.routeClass === "page" && where.trustsPages) return;
      const types = headerValues(headers, "content-type").join(",").toLowerCase();
      // A copy that the browser has keeps its type and its policy.
      if (given.status === 304 && types === "") return;
      const isActive = /html|xml/.test(types);
      const isMissing = types.split(",").some((type) => !type.includes("/"));
      const policy = headerValues(headers, "content-security-policy").join(" | ");
      expect(policy).toMatch(isActive || isMissing ? /^sandbox; default-src 'none'; frame-[^|]*$/ : /^$/);
      const dispositions = headerValues(headers, "content-disposition");
      expect(isActive ? dispositions : ["attachment"]).toEqual([expect.stringMatching(/^attachment/)]);
    });
  });

  test("do not depend on the order in which it said it, but for headers that it said twice", () => {
    const shuffled = answer.chain((given) =>
      fc.record({
        given: fc.constant(given),
        other: fc.shuffledSubarray(given.lines, { minLength: given.lines.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, rules, ({ given, other }, where) => {
        const names = given.lines.map(([name]) => name.toLowerCase()).filter((name) => name !== "connection");
        fc.pre(new Set(names).size === names.length);
        const one = prepareResponse({ status: given.status, headers: flat(given.lines) }, where);
        const two = prepareResponse({ status: given.status, headers: flat(other) }, where);
        expect(sorted(two.headers)).toEqual(sorted(one.headers));
        expect(two.rewritesBody).toBe(one.rewritesBody);
      }),
      { numRuns: 1000 },
    );
  });

  test("are made anew and cannot be changed; nothing of the answer is", () => {
    forAnswers((headers, where, given) => {
      const before = structuredClone(given);
      const again = prepareResponse(given, where);
      expect(given).toEqual(before);
      expect(again.headers).toEqual(headers);
      expect(again.headers).not.toBe(headers);
      expect(Object.isFrozen(headers)).toBe(true);
    });
  });
});
