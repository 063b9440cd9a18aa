import { expect, test } from "vitest";
import { onlyCookie, requestCookies } from "./request-cookies.ts";

test("cookies are read in order, over several lines, as they were sent", () => {
  const raw = ["Cookie", "a=1; b=x=y;c=%20", "Host", "a=no", "cookie", ' d="q" ;; =none; bare; a=2'];
  expect(requestCookies(raw)).toEqual([
    ["a", "1"],
    ["b", "x=y"],
    ["c", "%20"],
    ["d", '"q"'],
    ["a", "2"],
  ]);
});

test("a cookie that comes twice is none", () => {
  const raw = ["cookie", "a=1; b=2", "cookie", "a=1"];
  expect([onlyCookie(raw, "a"), onlyCookie(raw, "b"), onlyCookie(raw, "B"), onlyCookie([], "a")]).toEqual([
    null,
    "2",
    null,
    null,
  ]);
});

test("only space and tab are taken off: a name that looks like ours to JavaScript alone is another", () => {
  const raw = ["cookie", "\xa0__Host-a=evil; __Host-a\xa0=evil; \x0b__Host-a=evil;\t __Host-a \t= ann\xa0"];
  expect(onlyCookie(raw, "__Host-a")).toBe("ann\xa0");
  expect(requestCookies(raw).map(([name]) => name)).toEqual([
    "\xa0__Host-a",
    "__Host-a\xa0",
    "\x0b__Host-a",
    "__Host-a",
  ]);
});
