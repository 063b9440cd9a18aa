import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRawHeaders, firstHeader, headerValues, isHeaderName, isHeaderValue } from "./raw-headers.ts";

const raw = ["Host", "a", "SET-cookie", "x=1", "set-cookie", "y=2, z", "Odd"];

describe("headerValues", () => {
  test("finds every value in order, whatever the case of the name", () => {
    expect(headerValues(raw, "set-cookie")).toEqual(["x=1", "y=2, z"]);
    expect(headerValues(raw, "cookie")).toEqual([]);
  });

  test("ignores a name without a value at the end", () => {
    expect(headerValues(raw, "odd")).toEqual([]);
    expect(firstHeader(raw, "odd")).toBeUndefined();
  });

  test("does not take an underscore alias for the name", () => {
    expect(firstHeader(["X_User", "a"], "x-user")).toBeUndefined();
  });
});

describe("firstHeader", () => {
  test("takes the first of several, an empty one included", () => {
    expect(firstHeader(["X-A", "", "x-a", "2"], "x-a")).toBe("");
  });
});

describe("isHeaderName", () => {
  test.each(["Host", "x-a_b", "!#$%&'*+-.^_`|~09azAZ"])("takes %j", (name) => {
    expect(isHeaderName(name)).toBe(true);
  });

  test.each(["", "a b", "a:", "a\r\nb", "a\0", "ä", "a(", "a/", "a\u0161", "a\tb", "@"])(
    "refuses %j",
    (name) => {
      expect(isHeaderName(name)).toBe(false);
    },
  );

  test("agrees with the grammar of RFC 9110 on every character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(isHeaderName(text)).toBe(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text));
      }),
    );
  });
});

describe("isHeaderValue", () => {
  test.each(["", "a\tb", "caf\u00e9", "\u00ff"])("takes %j", (value) => {
    expect(isHeaderValue(value)).toBe(true);
  });

  test.each(["a\rb", "a\nb", "a\0b", "a\u007f", "a\u0100", "\u010a", "\u{1f600}", "\u001b[31m"])(
    "refuses %j",
    (value) => {
      expect(isHeaderValue(value)).toBe(false);
    },
  );
});

describe("decodeRawHeaders", () => {
  test("keeps every byte", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (list) => {
        const decoded = decodeRawHeaders(list.map((bytes) => Buffer.from(bytes)));
        expect(decoded.map((text) => [...Buffer.from(text, "latin1")])).toEqual(list.map((b) => [...b]));
      }),
    );
  });
});
