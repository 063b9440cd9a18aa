import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { formatSize, parseSize } from "./size.ts";

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5h", 5_400_000],
    ["20m", 1_200_000],
    ["8h", 28_800_000],
    ["30d", 2_592_000_000],
    ["0s", 0],
  ])("reads %s", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(["30", "", "s", "-1s", "1 s", "1e3s", "30sec", "1h30m", "0x10s", "٣s"])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test("is the inverse of formatDuration", () => {
    for (const text of ["0s", "1ms", "90s", "1m", "25h", "2d"]) {
      expect(formatDuration(parseDuration(text) ?? -1)).toBe(text);
    }
  });
});

describe("parseSize", () => {
  test.each([
    ["1MiB", 1_048_576],
    ["64KiB", 65_536],
    ["1.5GiB", 1_610_612_736],
    ["10B", 10],
  ])("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["1024", "1MB", "1kib", "-1KiB", ""])("refuses %j", (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test("is the inverse of formatSize", () => {
    for (const text of ["0B", "1B", "3KiB", "1MiB", "1GiB"]) {
      expect(formatSize(parseSize(text) ?? -1)).toBe(text);
    }
  });
});
