import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendQueryParameter,
  parseTarget,
  readTarget,
  removeQueryParameters,
  stripPrefix,
} from "./target.ts";

describe("parseTarget", () => {
  test.each([
    ["/", "/", ""],
    ["/qlik", "/qlik", ""],
    ["/qlik/", "/qlik/", ""],
    ["/a?b=c", "/a", "?b=c"],
    ["/a?", "/a", "?"],
    ["/a?x=/../..//\\&y=%zz&z=?", "/a", "?x=/../..//\\&y=%zz&z=?"],
    ["/app/5f%2Fa1%3Ftransient%3D/ttl/60", "/app/5f%2Fa1%3Ftransient%3D/ttl/60", ""],
    ["/app/SessionApp_x?from=y", "/app/SessionApp_x", "?from=y"],
    ["/media/caf%C3%A9%20100%25.png", "/media/caf%C3%A9%20100%25.png", ""],
    ["/media/100%2525.csv", "/media/100%2525.csv", ""],
    ["/a;v=1/b", "/a;v=1/b", ""],
    ["/.well-known/...", "/.well-known/...", ""],
    ["/a.b/..c/c..", "/a.b/..c/c..", ""],
    ["/a/...;x", "/a/...;x", ""],
    ['/a[0]{b}|^`"<>', '/a[0]{b}|^`"<>', ""],
    ["/a%23b", "/a%23b", ""],
  ])("takes %s as it is", (raw, path, query) => {
    expect(parseTarget(raw)).toEqual({ path, query });
  });

  test("takes only the path from the path: what looks like one in the query stays query", () => {
    expect(parseTarget("/private?path=/allowed")).toEqual({ path: "/private", query: "?path=/allowed" });
  });

  test.each([
    ["nothing", ""],
    ["the asterisk form", "*"],
    ["the authority form", "tenant.example:443"],
    ["the absolute form", "http://169.254.169.254/latest"],
    ["a relative form", "qlik/x"],
    ["a host in the path", "//evil.example/x"],
    ["a host behind a backslash", "/\\evil.example/x"],
    ["a fragment", "/private#/allowed"],
    ["a fragment in the query", "/a?b#c"],
    ["a parent segment", "/qlik/../admin"],
    ["a parent segment at the end", "/qlik/.."],
    ["a current segment", "/qlik/./a"],
    ["a current segment at the end", "/qlik/."],
    ["an empty segment", "/qlik//a"],
    ["an empty segment at the end", "/qlik//"],
    ["escaped dots", "/qlik/%2e%2e/admin"],
    ["half escaped dots", "/qlik/.%2E/admin"],
    ["escaped dots and slash", "/qlik/%2e%2e%2fadmin"],
    ["an escaped slash after plain dots", "/qlik/..%2fadmin"],
    ["an escaped slash before plain dots", "/qlik/a%2f../admin"],
    ["one escaped dot", "/a/%2e/b"],
    ["dots escaped twice", "/qlik/%252e%252e/admin"],
    ["dots escaped three times", "/qlik/%25252e%25252e/admin"],
    ["dots escaped four times", "/qlik/%2525252e%2525252e/admin"],
    ["dots escaped twenty times", `/qlik/%${"25".repeat(20)}2e./admin`],
    ["dots that appear from torn escapes", "/qlik/%252%2565%252%2565/admin"],
    ["a slash that appears after the second decoding", "/qlik/..%252fadmin"],
    ["parameters after dots", "/qlik/..;/admin"],
    ["named parameters after dots", "/qlik/..;a=b/admin"],
    ["parameters after one dot", "/qlik/.;x/admin"],
    ["escaped parameters after dots", "/qlik/..%3b/admin"],
    ["parameters after nothing", "/qlik/;x/admin"],
    ["a backslash", "/qlik/..\\admin"],
    ["a lone backslash", "/qlik/a\\b"],
    ["an escaped backslash", "/qlik/a%5cb"],
    ["a backslash escaped twice", "/qlik/a%255Cb"],
    ["an escaped slash that empties a segment", "/a%2F/b"],
    ["an escaped slash that begins a segment", "/a/%2Fb"],
    ["two escaped slashes", "/a%2F%2Fb"],
    ["an escaped slash at the end", "/a/b%2F"],
    ["a slash escaped twice at the end", "/a/b%252F"],
    ["a lone escaped slash", "/%2F"],
    ["an overlong slash", "/qlik/%c0%af"],
    ["an overlong dot", "/qlik/%c0%ae%c0%ae/admin"],
    ["an overlong dot of three bytes", "/qlik/%e0%80%ae/"],
    ["an overlong dot escaped twice", "/qlik/%25c0%25ae/admin"],
    ["a stray continuation byte", "/a/%80"],
    ["a surrogate", "/a/%ed%a0%80"],
    ["latin-1 bytes", "/caf%e9"],
    ["an escape cut short", "/a%2"],
    ["an escape of nothing", "/a%"],
    ["an escape that is none", "/a%zz"],
    ["a Microsoft escape", "/a%u002e"],
    ["NUL", "/a\0"],
    ["an escaped NUL", "/a%00.png"],
    ["a NUL escaped twice", "/a%2500"],
    ["a tab", "/a\tb"],
    ["an escaped tab", "/a%09b"],
    ["a line break", "/a\r\nHost: x"],
    ["an escaped line break", "/a%0d%0aHost:%20x"],
    ["a space", "/a b"],
    ["a space in the query", "/a?b c"],
    ["DEL", "/a\u007f"],
    ["an escaped DEL", "/a%7f"],
    ["a character outside ASCII", "/caf\u00e9"],
    ["a full-width slash", "/a\uff0f..\uff0fb"],
    ["a character outside ASCII in the query", "/a?\u00e9"],
  ])("refuses %s", (_what, raw) => {
    expect(parseTarget(raw)).toBeNull();
  });

  /** Reads a path as the most forgiving of servers would, by other means than the parser. */
  const decodeForgivingly = (text: string): string =>
    Buffer.from(
      text.replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
      "latin1",
    ).toString("latin1");

  const pieces = [
    ".",
    "..",
    "/",
    "%",
    "%2e",
    "%2F",
    "%25",
    "2e",
    "2f",
    "5c",
    ";",
    "a",
    "%5C",
    "\\",
    "%c3%a9",
  ];

  test("whatever it accepts holds no dot segment however often it is decoded", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 9 }), (parts) => {
        const target = parseTarget(`/${parts.join("")}`);
        if (target === null) return;
        accepted += 1;
        let path = target.path;
        for (let round = 0; round <= 5; round += 1) {
          const segments = path.slice(1).split("/");
          const bare = segments.map((segment) => segment.split(";")[0]);
          expect(bare).not.toContain(".");
          expect(bare).not.toContain("..");
          expect(segments.slice(0, -1)).not.toContain("");
          expect(path).not.toContain("\\");
          path = decodeForgivingly(path);
        }
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test("what it accepts travels byte for byte", () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const raw = `/${path.replace(/^\/*/, "")}?${query}`;
        const target = parseTarget(raw);
        fc.pre(target !== null);
        expect(target.path + target.query).toBe(raw);
      }),
    );
  });

  test("refuses a long chain of escapes in linear time", () => {
    expect(parseTarget(`/%${"25".repeat(500_000)}2e`)).toBeNull();
    const long = `/${"%2525".repeat(200_000)}`;
    expect(parseTarget(long)?.path).toBe(long);
  });
});

describe("stripPrefix", () => {
  test.each([
    ["/qlik", "/qlik", "/"],
    ["/qlik/", "/qlik", "/"],
    ["/qlik/a%2Fb/", "/qlik", "/a%2Fb/"],
    ["/a/b", "", "/a/b"],
    ["/", "", "/"],
    ["/qlikevil", "/qlik", null],
    ["/qlik%2Fa", "/qlik", null],
    ["/Qlik/a", "/qlik", null],
    ["/%71lik/a", "/qlik", null],
    ["/qli", "/qlik", null],
    ["/x/qlik/a", "/qlik", null],
    ["/qlik;x/a", "/qlik", null],
  ])("%s below %j is %j", (path, prefix, rest) => {
    expect(stripPrefix(path, prefix)).toBe(rest);
  });
});

describe("removeQueryParameters", () => {
  const names = new Set(["qlik-csrf-token", "qlik-web-integration-id"]);

  test.each([
    ["", ""],
    ["?", "?"],
    ["?a=1&&b", "?a=1&&b"],
    ["?qlik-csrf-token=x", ""],
    ["?qlik-csrf-token", ""],
    ["?a=1&qlik-csrf-token=x", "?a=1"],
    ["?qlik-csrf-token=x&a=1", "?a=1"],
    ["?a&qlik-csrf-token=x&qlik-web-integration-id=y&b", "?a&b"],
    ["?a=qlik-csrf-token&qlik-csrf-token=x&", "?a=qlik-csrf-token&"],
    ["?qlik-csrf-token=x&qlik-csrf-token=y&a", "?a"],
    ["?%71lik-csrf-token=x&a", "?a"],
    ["?%71%6C%69%6b%2dcsrf%2Dtoken&a", "?a"],
    ["?%zz%71=1&%71lik-csrf-token=%zz", "?%zz%71=1"],
    ["?qlik-csrf-token%00=x", "?qlik-csrf-token%00=x"],
    ["?qlik+csrf+token=x", "?qlik+csrf+token=x"],
    ["?xqlik-csrf-token=1&qlik-csrf-tokenx=1", "?xqlik-csrf-token=1&qlik-csrf-tokenx=1"],
    ["?reloadUri=wss%3A%2F%2Fh%2F%252F&a==b=&qlik-csrf-token=1=2", "?reloadUri=wss%3A%2F%2Fh%2F%252F&a==b="],
    ["?&qlik-csrf-token=1", "?"],
    ["??qlik-csrf-token=1", "??qlik-csrf-token=1"],
  ])("%j becomes %j", (query, expected) => {
    expect(removeQueryParameters(query, names)).toBe(expected);
  });

  test("compares the plus sign as the space it means", () => {
    expect(removeQueryParameters("?a+b=1&a%20b=2&ab", new Set(["a b"]))).toBe("?ab");
  });

  const part = fc.oneof(
    fc.constantFrom("qlik-csrf-token=1", "%71lik-csrf-token", "qlik-web-integration-id=", "", "=", "a%", "+"),
    fc.string().map((text) => text.replaceAll("&", "")),
  );

  test("keeps every other part, in order, byte for byte", () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const ours = (text: string): boolean =>
          [...new URLSearchParams(text).keys()].some((k) => names.has(k));
        const kept = parts.filter((text) => !ours(text));
        const query = `?${parts.join("&")}`;
        const expected = kept.length === parts.length ? query : kept.length === 0 ? "" : `?${kept.join("&")}`;
        // A leading "?" of a part is dropped by URLSearchParams alone.
        fc.pre(!parts.some((text) => text.startsWith("?")));
        expect(removeQueryParameters(query, names)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("appendQueryParameter", () => {
  test.each([
    ["", "?t=x%2Fy"],
    ["?", "?t=x%2Fy"],
    ["?a=1", "?a=1&t=x%2Fy"],
    ["?a=1&", "?a=1&t=x%2Fy"],
  ])("after %j gives %j", (query, expected) => {
    expect(appendQueryParameter(query, "t", "x/y")).toBe(expected);
  });

  test("is read back as given, after all that the client sent", () => {
    fc.assert(
      fc.property(fc.webQueryParameters(), fc.string({ unit: "grapheme" }), (own, value) => {
        const appended = appendQueryParameter(`?${own}`, "qlik-csrf-token", value);
        expect(appended.startsWith(`?${own}`)).toBe(true);
        expect(new URLSearchParams(appended).getAll("qlik-csrf-token").at(-1)).toBe(value);
      }),
    );
  });
});

describe("readTarget", () => {
  test.each([
    ["qlik", 'it does not begin with "/"'],
    ["/a#b", "it holds a space, a control, a # or no ASCII"],
    ["/a\\b", "a backslash is in the path"],
    ["/a//b", "an empty segment, //, is in the path"],
    ["/a/../b", "a segment of dots, or of parameters alone, is in the path"],
    ["/a/%2e%2e/b", "once its escapes are undone, a segment of dots, or of parameters alone, is in the path"],
    ["/a%00b", "an escaped control is in the path"],
    ["/a%2F", "an escaped slash is at the end of the path"],
    ["/a/%252525256e", "escapes are in escapes, too deep"],
    ["/a/%zz", "an escape is malformed, or not UTF-8"],
  ])("says why %s is refused", (raw, flaw) => {
    expect(readTarget(raw)).toEqual({ flaw });
  });
});
