import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHostOf, isSerialisedOrigin, originOfUrl } from "./serialised-origin.ts";

describe("isSerialisedOrigin", () => {
  test.each([
    "https://portal.example.com",
    "http://localhost:3000",
    "https://a.b:80",
    "http://a.b:443",
    "https://127.0.0.1:8787",
    "http://[::1]:3000",
    "https://[2001:db8::1]",
    "https://xn--caf-dma.example",
    "https://under_score.example",
    "https://portal.example.com.",
  ])("takes %s", (text) => {
    expect(isSerialisedOrigin(text)).toBe(true);
  });

  test.each([
    "",
    "null",
    "*",
    "portal.example.com",
    "//portal.example.com",
    "https://",
    "https:///",
    "https://portal.example.com/",
    "https://portal.example.com?",
    "https://portal.example.com#",
    "https://portal.example.com/path",
    "HTTPS://portal.example.com",
    "https://Portal.example.com",
    "https://portal.example.com:443",
    "http://portal.example.com:80",
    "https://portal.example.com:",
    "https://portal.example.com:08",
    "https://portal.example.com:65536",
    "https://portal.example.com:+1",
    "https://user@portal.example.com",
    "https://user:pw@portal.example.com",
    "https://portal.example.com, https://evil.example",
    "https://portal.example.com https://evil.example",
    "https://portal.example.com\\.evil.example",
    "https://portal.example.com\0",
    "https://caf\u00e9.example",
    "https://*.example.com",
    "https://.example.com",
    "https://[]",
    "https://[::1",
    "https://[::1]x",
    "https://[::G]",
    "wss://portal.example.com",
    "chrome-extension://abcdef",
    "file://",
    " https://portal.example.com",
  ])("refuses %j", (text) => {
    expect(isSerialisedOrigin(text)).toBe(false);
  });

  test("agrees with the platform wherever it says yes", () => {
    const name = fc.stringMatching(/^[a-z0-9-]{1,6}(\.[a-z0-9-]{1,6}){0,3}$/);
    const anywhere = fc.tuple(
      fc.constantFrom("http", "https"),
      fc.oneof(name, fc.domain()),
      fc.oneof(
        fc.nat(70_000).map((port) => `:${port}`),
        fc.constantFrom("", ":", ":80", ":443", ":0", ":00", ":080", "/", "?", "#"),
      ),
    );
    fc.assert(
      fc.property(anywhere, ([scheme, host, port]) => {
        const text = `${scheme}://${host}${port}`;
        fc.pre(URL.canParse(text));
        const { origin } = new URL(text);
        // Names that end in a number are addresses in short form to a browser, which would spell them out.
        fc.pre(origin === text || !/(^|\.)(\d+|0x[0-9a-f]*)$/.test(host));
        expect(isSerialisedOrigin(text)).toBe(origin === text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("originOfUrl", () => {
  test.each([
    ["https://portal.example.com/a/b?c#d", "https://portal.example.com"],
    ["https://portal.example.com", "https://portal.example.com"],
    ["http://localhost:3000?x", "http://localhost:3000"],
    ["https://portal.example.com@evil.example/", null],
    ["https://portal.example.com\\@evil.example/", "https://portal.example.com"],
    ["https://portal.example.com:443/", null],
    ["about:blank", null],
    ["/relative", null],
    ["android-app://com.example/", null],
    ["", null],
  ])("of %s is %s", (url, origin) => {
    expect(originOfUrl(url)).toBe(origin);
  });
});

describe("isHostOf", () => {
  test.each([
    ["portal.example.com", "https://portal.example.com", true],
    ["Portal.Example.COM", "https://portal.example.com", true],
    ["portal.example.com:443", "https://portal.example.com", true],
    ["portal.example.com:80", "http://portal.example.com", true],
    ["localhost:3000", "http://localhost:3000", true],
    ["portal.example.com:80", "https://portal.example.com", false],
    ["portal.example.com:4430", "https://portal.example.com", false],
    ["portal.example.com.", "https://portal.example.com", false],
    ["evilportal.example.com", "https://portal.example.com", false],
    ["portal.example.com.evil.tld", "https://portal.example.com", false],
    ["portal.example.com, evil.tld", "https://portal.example.com", false],
    ["localhost", "http://localhost:3000", false],
    ["169.254.169.254", "https://portal.example.com", false],
    ["", "https://portal.example.com", false],
  ])("%s of %s: %s", (host, origin, expected) => {
    expect(isHostOf(host, origin)).toBe(expected);
  });
});
