import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { causes } from "../../src/cli/doctor/causes.ts";
import { steps } from "../../src/cli/doctor/steps.ts";
import { doorSymptoms } from "../doctor/door-symptoms.ts";
import { symptoms } from "../doctor/symptoms.ts";
import { unseen } from "../doctor/unseen-symptoms.ts";

const file = new URL("../../docs/reference/doctor.md", import.meta.url);

type Row = readonly string[];

const table = (head: Row, rows: readonly Row[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** Rows of the facts in their order, then their sections, then what has no row. */
const order = ({ row }: { readonly row: string }): number =>
  /^\d/.test(row) ? Number(row) : row.startsWith("§") ? 100 : 101;

/** What test/doctor/ reproduces: symptom, cause, named. */
const seen = [...symptoms, ...doorSymptoms].toSorted((a, b) => order(a) - order(b));

const parts: Readonly<Record<string, string>> = {
  symptoms: table(
    ["Row", "Symptom", "Reproduced by", "Step", "Cause", "Named?"],
    seen.map(({ row, what, broken, step, cause }) => [
      row,
      what,
      broken,
      `\`${step}\``,
      `[${cause}](#causes)`,
      "yes",
    ]),
  ),
  unseen: table(
    ["Row", "Symptom", "Why not"],
    unseen.map(({ row, what, why }) => [row, what, why]),
  ),
  causes: table(
    ["Cause", "What is the matter", "Remedy"],
    Object.entries(causes).map(([name, { because, remedy }]) => [`\`${name}\``, because, remedy]),
  ),
};

/** The formatter pads tables. */
const loose = (text: string): string => text.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---").trim();

const betweenMarks = (name: string): RegExp => new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);

test.each(Object.entries(parts))(
  "the page about doctor has the table of %s as the tests have it",
  (name, text) => {
    const page = readFileSync(file, "utf8");
    if (process.env["QSP_WRITE_DOCS"] === "1")
      writeFileSync(
        file,
        page.replace(betweenMarks(name), (_all, begin, end) => `${begin}\n${text}\n\n${end}`),
      );
    const written = betweenMarks(name).exec(readFileSync(file, "utf8"))?.[0] ?? "";
    expect(loose(written.replaceAll(/<!-- .*? -->/g, ""))).toBe(loose(text));
  },
);

test("every row of facts §11 is in one of the tables", () => {
  const facts = readFileSync(new URL("../../docs/facts/qlik-cloud.md", import.meta.url), "utf8");
  const section = facts.slice(facts.indexOf("## 11."), facts.indexOf("## 12."));
  const rows = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, row]) => row);
  const named = new Set([...seen, ...unseen].map(({ row }) => row));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((row) => !named.has(row ?? ""))).toEqual([]);
});

test("the page names every step", () => {
  const page = readFileSync(file, "utf8");
  expect(steps.map(({ name }) => name).filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});
