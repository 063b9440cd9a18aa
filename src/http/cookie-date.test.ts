import { expect, test } from "vitest";
import { parseCookieDate } from "./cookie-date.ts";

const wednesday = Date.UTC(2026, 0, 7, 10, 0, 0);

test.each([
  "Wed, 07 Jan 2026 10:00:00 GMT",
  "Wed, 07-Jan-2026 10:00:00 GMT",
  "Wednesday, 07-Jan-26 10:00:00 GMT",
  "Wed Jan  7 10:00:00 2026",
  "10:0:0 january 2026 7th",
  "07 Jan 2026 10:00:00 PST",
  "07 Jan 2026 10:00:00 +0500",
  "07 Jan 2026 10:00:00x",
])("takes %j for UTC", (text) => {
  expect(parseCookieDate(text)).toBe(wednesday);
});

test.each([
  ["01 Jan 70 00:00:00", 0],
  ["01 Jan 69 00:00:00", Date.UTC(2069, 0, 1)],
  ["31 Dec 99 23:59:59", Date.UTC(1999, 11, 31, 23, 59, 59)],
  ["29 Feb 2028 00:00:00", Date.UTC(2028, 1, 29)],
  ["01 Jan 1601 00:00:00", Date.UTC(1601, 0, 1)],
])("reads %j", (text, expected) => {
  expect(parseCookieDate(text)).toBe(expected);
});

test.each([
  "",
  "0",
  "-1",
  "1",
  "never",
  "1767780000000",
  "2026-01-07T10:00:00.000Z",
  "Wed, 07 Jan 2026",
  "07 Jan 2026 10:00",
  "00 Jan 2026 10:00:00",
  "32 Jan 2026 10:00:00",
  "31 Feb 2026 10:00:00",
  "29 Feb 2026 10:00:00",
  "07 Xyz 2026 10:00:00",
  "07 Jan 1600 10:00:00",
  "07 Jan 20260 10:00:00",
  "07 Jan 2026 24:00:00",
  "07 Jan 2026 10:60:00",
  "07 Jan 2026 10:00:60",
  "07 Jan 2026 10:00:000",
])("sees no date in %j", (text) => {
  expect(parseCookieDate(text)).toBeUndefined();
});

test("reads a long text once", () => {
  expect(parseCookieDate("1".repeat(1_000_000))).toBeUndefined();
  expect(parseCookieDate("1 ".repeat(500_000))).toBeUndefined();
});
