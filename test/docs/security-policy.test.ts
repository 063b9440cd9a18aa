/* What somebody who has found a hole needs is there before they need it. attacks L4 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

test("SECURITY.md says how to report in private, what happens then, and what counts; it comes with the package", () => {
  const policy = read("SECURITY.md").replaceAll(/\s+/g, " ");
  for (const word of [
    "Report a vulnerability in private",
    "security advisories",
    "Do not open a public issue",
    "You get an answer within",
    "credit in the advisory",
    "Fixes are made for the newest release",
    "What is guaranteed",
    "What is not guaranteed",
  ])
    expect(policy).toContain(word);
  expect((JSON.parse(read("package.json")) as { readonly files: readonly string[] }).files).toContain(
    "SECURITY.md",
  );
  expect(read("CONTRIBUTING.md")).toMatch(/Security problems: not here, but as \[SECURITY\.md\]/);
});
