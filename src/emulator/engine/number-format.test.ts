import { expect, test } from "vitest";
import { formatAutomatic, formatNumber } from "./number-format.ts";

test("formatAutomatic keeps 14 significant digits", () => {
  expect(formatAutomatic(0.1 + 0.2)).toBe("0.3");
  expect(formatAutomatic(10_338_164.249999968)).toBe("10338164.25");
});

test.each([
  [1234.5, "#,##0", "1,235"],
  [1234.5, "#,##0.00", "1,234.50"],
  [0.4231, "0.0%", "42.3%"],
  [-12.5, "$#,##0.00", "-$12.50"],
  [-0.001, "#,##0", "0"],
  [7, "€ #,##0", "€ 7"],
  [7, "no digits", "7"],
])("formatNumber writes %d under %j as %j", (number, qFmt, text) => {
  expect(formatNumber(number, { qType: "F", qFmt })).toBe(text);
});

test("formatNumber without a format is automatic", () => {
  expect(formatNumber(1.5, undefined)).toBe("1.5");
  expect(formatNumber(1.5, { qType: "U", qFmt: "0" })).toBe("1.5");
});
