import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stripEntityTags, suffixEntityTag } from "./entity-tag.ts";

describe("suffixEntityTag", () => {
  test.each([
    ['"abc"', 'W/"abc;qsp-s1"'],
    ['W/"abc"', 'W/"abc;qsp-s1"'],
    ['""', 'W/";qsp-s1"'],
    ['"a,b"', 'W/"a,b;qsp-s1"'],
    ["abc", 'W/"abc;qsp-s1"'],
    ['"a"b"', 'W/"ab;qsp-s1"'],
  ])("%s becomes %s", (etag, expected) => {
    expect(suffixEntityTag(etag, "s1")).toBe(expected);
  });
});

describe("stripEntityTags", () => {
  test.each([
    ['W/"abc;qsp-s1"', '"abc", W/"abc"'],
    ['"abc;qsp-s1"', '"abc", W/"abc"'],
    ['W/"abc;qsp-other"', null],
    ['W/"abc;qsp-other", W/"d;qsp-s1"', '"d", W/"d"'],
    ['"plain", W/"weak"', '"plain", W/"weak"'],
    ['"a,b" ,\t W/"c;qsp-s1",', '"a,b", "c", W/"c"'],
    ["*", "*"],
    ["", null],
    [" , ", null],
    ['W/"abc;qsp-"', null],
    ['W/"a;qsp-x;qsp-s1"', '"a;qsp-x", W/"a;qsp-x"'],
    ["bare, W/x", "bare, W/x"],
    ['"open', '"open'],
  ])("%s becomes %j", (list, expected) => {
    expect(stripEntityTags(list, "s1")).toBe(expected);
  });

  test("gives back every tag that has been suffixed, in any company", () => {
    const opaque = fc.stringMatching(/^[!#-~]{0,12}$/).filter((text) => !text.includes(";qsp-"));
    const foreign = opaque.map((text) => `"${text}"`);
    fc.assert(
      fc.property(opaque, fc.array(foreign, { maxLength: 3 }), fc.boolean(), (own, others, weak) => {
        const sent = suffixEntityTag(weak ? `W/"${own}"` : `"${own}"`, "key");
        expect(stripEntityTags([...others, sent].join(", "), "key")).toBe(
          [...others, `"${own}"`, `W/"${own}"`].join(", "),
        );
      }),
    );
  });
});
