import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { passLines } from "./lines.ts";

test("passLines writes whole lines, the last one too where its end is missing", async () => {
  const from = new PassThrough();
  const written: string[] = [];
  passLines(from, (lines) => written.push(lines));
  for (const chunk of ["one\ntw", "o", "\nthree\nfour \u00e9"]) {
    from.write(chunk);
    await setImmediate();
  }
  expect(written).toEqual(["one\n", "two\nthree\n"]);
  from.end();
  await setImmediate();
  await setImmediate();
  expect(written.at(-1)).toBe("four \u00e9\n");
});
