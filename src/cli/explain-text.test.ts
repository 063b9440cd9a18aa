import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Explanation, Question } from "../proxy/explain/explain.ts";
import { explanationLines } from "./explain-text.ts";

const question: Question = { method: "GET", upgrade: false, target: "/qlik/a?b=c", headers: [] };

const refusedBy = (row: number): Explanation => ({
  outcome: "refused",
  refusal: { code: "QSP-CROSS-SITE", status: 403 },
  path: "/a",
  policy: { rule: "GET /a", from: "policy.allow[0]", reason: "" },
  taker: { kind: "tenant", routeClass: "rest", needsIdentity: true },
  row,
  senders: [],
  sent: null,
  answers: null,
});

/** The numbers of the rows in the table of the site guard. */
const rules = readFileSync(new URL("../../docs/explain/rules.md", import.meta.url), "utf8");
const [, table = ""] = /\n## R4 (.*?)\n## /s.exec(rules) ?? [];
const numbers = [...table.matchAll(/^\| (\d+) /gm)].map(([, number]) => Number(number));

test("every row of the site guard has its own words", () => {
  const words = numbers.map((row) =>
    explanationLines(question, refusedBy(row)).find((line) => line.startsWith("Guard")),
  );
  expect(numbers).toHaveLength(15);
  for (const [row, line] of words.entries()) expect(line).toMatch(new RegExp(`^Guard  row ${row}: \\w`));
  expect(new Set(words.map((line) => line?.replace(/.*: /, ""))).size).toBe(numbers.length);
});

test("what was asked cannot move the cursor of the terminal, and its query is not in the headline", () => {
  const [headline] = explanationLines({ ...question, target: "/qlik/a\u001B[2J\u202E?b=c" }, refusedBy(6));
  expect(headline).toBe("GET /qlik/a\\u{1b}[2J\\u{202e}: refused with 403 QSP-CROSS-SITE");
});
