import { posix, win32 } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTarget, stripPrefix } from "./target.ts";

/*
 * The parser beside other readers of a path: the URL parser of browsers, and servers that decode, tidy and forgive. What
 * the parser takes, each of them has to read as the same segments; what one of them would read otherwise is refused.
 */

/** Decodes once, whatever a forgiving server takes for an escape: overlong UTF-8 and Microsoft's notation too. */
function decodeOnce(text: string): string {
  const bytes = text
    .replace(/%u([0-9a-f]{4})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16) & 0xff))
    .replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return bytes
    .replace(/[\xc0\xc1]([\x80-\xbf])/g, (all, low: string) =>
      String.fromCharCode(((all.charCodeAt(0) & 1) << 6) | (low.charCodeAt(0) & 0x3f)),
    )
    .replace(/\xe0[\x80\x81]([\x80-\xbf])/g, (all, low: string) =>
      String.fromCharCode(((all.charCodeAt(1) & 1) << 6) | (low.charCodeAt(0) & 0x3f)),
    );
}

const times =
  (count: number) =>
  (path: string): string =>
    Array.from({ length: count }).reduce<string>(decodeOnce, path);

const withoutParameters = (path: string): string => path.replaceAll(/;[^/]*/g, "");
const untilNul = (path: string): string => path.replace(/\0.*$/s, "");

/** How a server may read a path before it looks where it leads. */
const readers: Readonly<Record<string, (path: string) => string>> = {
  "as it stands": (path) => path,
  "decoded once": decodeOnce,
  "decoded twice": times(2),
  "decoded five times": times(5),
  "without parameters": withoutParameters,
  "decoded, then without parameters": (path) => withoutParameters(decodeOnce(path)),
  "without parameters, then decoded twice": (path) => times(2)(withoutParameters(path)),
  "decoded, up to NUL": (path) => untilNul(decodeOnce(path)),
  "decoded, without tabs and line ends": (path) => decodeOnce(path).replaceAll(/[\t\r\n]/g, ""),
  "decoded, with backslashes for slashes": (path) => times(2)(path).replaceAll("\\", "/"),
};

const piece = fc.oneof(
  fc.constantFrom(
    ".",
    "..",
    "...",
    "/",
    "%",
    "%2e",
    "%2E",
    "%2F",
    "%25",
    "2e",
    "2f",
    "5c",
    "25",
    ";",
    ";a=b",
  ),
  fc.constantFrom(
    "%3b",
    "%5C",
    "\\",
    "%c0%ae",
    "%c0%af",
    "%e0%80%ae",
    "%u002e",
    "%u002f",
    "%00",
    "%09",
    "%0a",
    "%zz",
    "%25c0%25ae",
    "%252f",
  ),
  fc.constantFrom(
    "a",
    "app",
    "é",
    "%c3%a9",
    "%20",
    " ",
    "\t",
    "#",
    "%23",
    "%3F",
    "?",
    "~",
    "A",
    "/a/",
    "/qlik",
  ),
);

const rawTarget = fc.oneof(
  { weight: 3, arbitrary: fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`) },
  { weight: 1, arbitrary: fc.array(piece, { maxLength: 4 }).map((pieces) => `/app/${pieces.join("")}/x`) },
  { weight: 1, arbitrary: fc.tuple(fc.webPath(), fc.webQueryParameters()).map(([p, q]) => `/a${p}?${q}`) },
  { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 12 }).map((text) => `/${text}`) },
);

/** Runs a check for what the parser takes, and makes sure that there was enough of it. */
function forAccepted(
  check: (raw: string, target: { path: string; query: string }) => void,
  numRuns = 4000,
): void {
  let accepted = 0;
  fc.assert(
    fc.property(rawTarget, (raw) => {
      const target = parseTarget(raw);
      if (target === null) return;
      accepted += 1;
      check(raw, target);
    }),
    { numRuns },
  );
  expect(accepted).toBeGreaterThan(numRuns / 20);
}

describe("what is taken for a target", () => {
  test("is what was sent, in two parts, and is taken again as the same", () => {
    forAccepted((raw, target) => {
      expect(target.path + target.query).toBe(raw);
      expect(target.path).not.toContain("?");
      expect(parseTarget(target.path + target.query)).toEqual(target);
      expect(parseTarget(target.path)).toEqual({ path: target.path, query: "" });
      expect(raw).toMatch(/^\/[!-~]*$/);
    });
  });

  test("is split by the URL parser in the same place, and leads to the same host and segments", () => {
    forAccepted((raw, target) => {
      const url = new URL(raw, "https://tenant.example:444");
      expect(url.host).toBe("tenant.example:444");
      expect([url.username, url.password, url.hash]).toEqual(["", "", ""]);
      // It escapes what a path may not hold as it is, and changes nothing else.
      expect(decodeURIComponent(url.pathname)).toBe(decodeURIComponent(target.path));
      expect(url.pathname.split("/")).toHaveLength(target.path.split("/").length);
      expect(unescapeAscii(url.search)).toBe(target.query === "?" ? "" : unescapeAscii(target.query));
    });
  });

  test.each(Object.keys(readers))("leads to no other place when it is read %s", (name) => {
    const read = readers[name] as (path: string) => string;
    forAccepted((_raw, { path }) => {
      const seen = read(path);
      expect(posix.normalize(seen)).toBe(seen);
      expect(win32.normalize(seen).replaceAll("\\", "/")).toBe(seen);
      expect(Array.from(seen).filter(isOdd)).toEqual([]);
      expect(seen.endsWith("/")).toBe(path.endsWith("/"));
    }, 2000);
  });

  test.each(Object.keys(readers))("stays below its prefix when it is read %s", (name) => {
    const read = readers[name] as (path: string) => string;
    let below = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
        const target = parseTarget(`/qlik/${pieces.join("")}`);
        const rest = target && stripPrefix(target.path, "/qlik");
        if (rest === null) return;
        below += 1;
        expect(`${posix.resolve(read(target?.path ?? ""))}/`).toMatch(/^\/qlik\//);
        // The tenant is sent what is left of it, on which all of this has to hold again.
        expect(parseTarget(rest)?.path).toBe(rest);
        expect(posix.normalize(read(rest))).toBe(read(rest));
      }),
      { numRuns: 1000 },
    );
    expect(below).toBeGreaterThan(50);
  });
});

const isOdd = (character: string): boolean => character < " " || character === "\u007f" || character === "\\";

/** Undoes the escapes that the URL parser puts into a query, and the same ones where the client has put them. */
const unescapeAscii = (text: string): string =>
  text.replaceAll(/%(?:22|27|3C|3E)/gi, (escape) => decodeURIComponent(escape));

describe("what is refused as a target", () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9_~!$&'()*+,:@=-][A-Za-z0-9._~!$&'()*+,;:@=-]{0,8}$/);
  const escaped = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 5 })
    .map((text) => `a${encodeURIComponent(text)}a`);

  test("is none of the paths that have one meaning only", () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), fc.boolean(), (segments, slash) => {
        const path = `/${segments.join("/")}${slash ? "/" : ""}`;
        expect(parseTarget(path)).toEqual({ path, query: "" });
      }),
    );
  });

  test("is no id because of a letter, a blank or a slash that is escaped in it, controls and backslashes apart", () => {
    fc.assert(
      fc.property(fc.array(escaped, { minLength: 1, maxLength: 4 }), (segments) => {
        const path = `/${segments.join("/")}`;
        const read = times(4)(path);
        fc.pre(!/%(?:[01]|5c|7f)|%25/i.test(path) && posix.normalize(read) === read);
        expect(parseTarget(path)).toEqual({ path, query: "" });
      }),
    );
  });
});
