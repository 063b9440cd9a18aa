import { describe, expect, test } from "vitest";
import { createCookieJar, type CookieJar, type JarEntry } from "./cookie-jar.ts";

const host = "acme.eu.qlikcloud.com";
const now = Date.UTC(2026, 0, 1);

/** A jar of the tenant that has taken over the given headers. */
function jarWith(...setCookies: string[]): CookieJar {
  const jar = createCookieJar({ host, secure: true });
  jar.absorb(setCookies, now);
  return jar;
}

describe("createCookieJar", () => {
  test("keeps all cookies of a login, in any order, signature and date with a comma included (facts §2.2)", () => {
    const jar = jarWith(
      "_csrfToken.sig=s2; Path=/; Secure; HttpOnly; SameSite=None",
      "AWSALB=b/a+==; Expires=Wed, 07 Jan 2026 10:00:00 GMT; Path=/",
      "eas.sid=AbC_-12; Path=/; Secure; HttpOnly; SameSite=None",
      "eas.sid.sig=s1; Path=/; Secure; HttpOnly",
      "_csrfToken=12345678-abc; Path=/; Secure",
    );
    expect(jar.header("/api/v1/items", now)).toBe(
      "_csrfToken.sig=s2; AWSALB=b/a+==; eas.sid=AbC_-12; eas.sid.sig=s1; _csrfToken=12345678-abc",
    );
    expect(jar.get("eas.sid", now)).toBe("AbC_-12");
  });

  test.each(["%41%2F", "a=b==", '"quoted, text"', "caf\u00e9", "", "a b", "\\", "%zz"])(
    "gives the value %j back byte for byte",
    (value) => {
      expect(jarWith(`a=${value}; Path=/`).header("/", now)).toBe(`a=${value}`);
    },
  );

  test("replaces a cookie of the same name and path only, and tells what changed", () => {
    const jar = jarWith("a=1; Path=/", "b=1", "a=9; Path=/x");
    expect(jar.absorb(["a=2; Path=/", "b=1", "c=1"], now)).toEqual({ changed: ["a", "c"], deleted: [] });
    expect(jar.header("/x", now)).toBe("a=9; a=2; b=1; c=1");
  });

  test.each([
    "a=; Max-Age=0; Path=/",
    "a=x; max-age=-5",
    "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=; expires=Thu, 01-Jan-1970 00:00:00 GMT",
    "a=; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=0",
  ])("honours the deletion %j", (header) => {
    const jar = jarWith("a=1", "b=2");
    expect(jar.absorb([header], now)).toEqual({ changed: [], deleted: ["a"] });
    expect(jar.header("/", now)).toBe("b=2");
    expect(jar.has("a", now)).toBe(false);
  });

  test("reports no deletion of what it never had", () => {
    expect(jarWith().absorb(["a=; Max-Age=0"], now)).toEqual({ changed: [], deleted: [] });
  });

  test("the last header about a cookie counts", () => {
    const jar = jarWith("a=1");
    expect(jar.absorb(["a=; Max-Age=0", "a=2"], now)).toEqual({ changed: ["a"], deleted: [] });
    expect(jar.absorb(["a=3", "a=; Max-Age=0"], now)).toEqual({ changed: [], deleted: ["a"] });
  });

  test("prefers Max-Age to Expires and stops sending what has expired", () => {
    const jar = jarWith("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2; Max-Age=x; Path=/");
    expect(jar.header("/", now + 59_999)).toBe("a=1; b=2");
    expect(jar.header("/", now + 60_000)).toBe("b=2");
    expect(jar.get("a", now + 60_000)).toBeUndefined();
  });

  test("keeps an endless life finite, so that a snapshot survives JSON", () => {
    const jar = jarWith(`a=1; Max-Age=${"9".repeat(400)}`);
    const copy = JSON.parse(JSON.stringify(jar.snapshot())) as JarEntry[];
    const day = 86_400_000;
    const other = createCookieJar({ host, secure: true }, copy);
    expect(other.header("/", now + 399 * day)).toBe("a=1");
    expect(other.header("/", now + 400 * day)).toBe("");
  });

  test.each([
    ["acme.eu.qlikcloud.com", true],
    [".qlikcloud.com", true],
    ["EU.QlikCloud.com", true],
    ["", true],
    ["evil.example", false],
    ["cme.eu.qlikcloud.com", false],
    ["x.acme.eu.qlikcloud.com", false],
    ["..qlikcloud.com", false],
    ["qlikcloud.com.", false],
    [".", false],
  ])("Domain=%s is taken: %s", (domain, taken) => {
    expect(jarWith(`a=1; Domain=${domain}`).has("a", now)).toBe(taken);
  });

  test("an address has no parent domain", () => {
    const jar = createCookieJar({ host: "127.0.0.1", secure: true });
    jar.absorb(["a=1; Domain=0.0.1", "b=1; Domain=127.0.0.1", "c=1"], now);
    expect(jar.header("/", now)).toBe("b=1; c=1");
  });

  test.each([
    ["__Host-a=1; Secure; Path=/", true],
    ["__Host-a=1; Secure", false],
    ["__Host-a=1; Path=/", false],
    ["__Host-a=1; Secure; Path=/; Domain=acme.eu.qlikcloud.com", false],
    ["__host-a=1; Secure; Path=/x", false],
    ["__Secure-a=1; Path=/", false],
    ["__Secure-a=1; Secure", true],
    ["__secure-a=1", false],
  ])("%s is taken: %s", (header, taken) => {
    expect(jarWith(header).snapshot()).toHaveLength(taken ? 1 : 0);
  });

  test("refuses Secure cookies of a plain origin, unless told that it is to count as secure", () => {
    const plain = createCookieJar({ host, secure: false });
    plain.absorb(["a=1; Secure", "b=2"], now);
    expect(plain.header("/", now)).toBe("b=2");
    expect(jarWith("a=1; Secure").header("/", now)).toBe("a=1");
  });

  test.each([
    ["/app", "/app", true],
    ["/app", "/app/x", true],
    ["/app/", "/app/x", true],
    ["/app/", "/app", false],
    ["/app", "/apple", false],
    ["/App", "/app", false],
    ["app", "/other", true],
    ["", "/other", true],
  ])("Path=%s is sent to %s: %s", (path, requested, sent) => {
    expect(jarWith(`a=1; Path=${path}`).header(requested, now)).toBe(sent ? "a=1" : "");
  });

  test("sends the longest path first, then the oldest", () => {
    const jar = jarWith("a=1", "b=2; Path=/x", "c=3", "d=4; Path=/x/y");
    jar.absorb(["a=5"], now);
    expect(jar.header("/x/y", now)).toBe("d=4; b=2; a=5; c=3");
    expect(jar.get("a", now)).toBe("5");
  });

  test.each(["", "=1", "novalue", ";", "a\r\nb=1", "a=1\r\nX: y", "a=\0", "a=\u{1f600}", "\u001b=1", " =1"])(
    "ignores %j",
    (header) => {
      expect(jarWith(header).snapshot()).toEqual([]);
    },
  );

  test("ignores what is too large, and what is one too many", () => {
    const jar = jarWith(`a=${"x".repeat(8192)}`, `b=${"x".repeat(8191)}`);
    expect(jar.snapshot().map((entry) => entry.name)).toEqual(["b"]);
    jar.absorb(
      Array.from({ length: 100 }, (_, n) => `n${n}=1; Max-Age=10`),
      now,
    );
    expect(jar.snapshot()).toHaveLength(64);
    jar.absorb(["n0=2", "late=1"], now);
    expect([jar.get("n0", now), jar.get("late", now)]).toEqual(["2", undefined]);
    jar.absorb(["late=1"], now + 10_000);
    expect(jar.get("late", now + 10_000)).toBe("1");
  });

  test("asks before it takes a cookie, and says when the header would delete one", () => {
    const jar = jarWith("eas.sid=1", "AWSALB=1");
    const asked: [string, boolean][] = [];
    const outcome = jar.absorb(["eas.sid=; Max-Age=0", "AWSALB=2", "eas.sid=evil"], now, (name, deletes) => {
      asked.push([name, deletes]);
      return !name.startsWith("eas.");
    });
    expect(outcome).toEqual({ changed: ["AWSALB"], deleted: [] });
    expect(asked).toEqual([
      ["eas.sid", true],
      ["AWSALB", false],
      ["eas.sid", false],
    ]);
    expect(jar.get("eas.sid", now)).toBe("1");
  });

  test("names of object members are names like others", () => {
    const jar = jarWith("__proto__=1", "constructor=2");
    expect(jar.header("/", now)).toBe("__proto__=1; constructor=2");
    expect(jar.get("toString", now)).toBeUndefined();
  });

  test("two jars of one snapshot do not see each other's changes", () => {
    const first = jarWith("a=1");
    const second = createCookieJar({ host, secure: true }, first.snapshot());
    second.absorb(["a=2", "b=3"], now);
    expect(first.header("/", now)).toBe("a=1");
  });
});
