import { readFileSync, writeFileSync } from "node:fs";
import { type Attack, lineOf } from "../attack.ts";
import { groupNames } from "../catalogue.ts";
import { type Counts, countsOf } from "../report.ts";
import type { Result } from "../suite.ts";

/** The results of one proxy. */
export interface Column {
  readonly name: string;
  readonly version: string;
  readonly results: readonly Result[];
}

const begin = "<!-- results: npm run attack -- --table -->";
const end = "<!-- end of results -->";

/** Writes the tables of results between the markers of a document. @throws Error where it has none */
export function writeTable(
  file: string,
  columns: readonly Column[],
  run: { readonly date: string; readonly node: string; readonly left: readonly string[] },
): void {
  const text = readFileSync(file, "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} has no markers for the results`);
  const left = run.left.length === 0 ? "" : ` Not tried: ${run.left.join("; ")}.`;
  const parts = [`Run on ${run.date} with Node ${run.node}.${left}`, groupTable(columns), fallTable(columns)];
  writeFileSync(file, `${before}${begin}\n\n${parts.join("\n\n")}\n\n${end}${after}`);
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** Held, fell, not applicable; a proxy that nothing of a group could be tried on has a dash. */
const cell = ({ held, fell, notApplicable }: Counts): string =>
  held + fell === 0 ? "–" : `${held} / ${fell} / ${notApplicable}`;

function groupTable(columns: readonly Column[]): string {
  const head = ["Group", ...columns.map(({ name, version }) => `${name} ${version}`)];
  const groups = Object.entries(groupNames).map(([letter, name]) => [
    `${letter} ${name}`,
    ...columns.map(({ results }) =>
      cell(countsOf(results.filter(({ attack }) => lineOf(attack).startsWith(letter)))),
    ),
  ]);
  const all = ["All", ...columns.map(({ results }) => cell(countsOf(results)))];
  return [head, head.map(() => "---"), ...groups, all].map(row).join("\n");
}

function fallTable(columns: readonly Column[]): string {
  const fallen = new Map<Attack, string[]>();
  for (const { name, results } of columns) {
    for (const { attack, verdict } of results) {
      if (verdict.outcome === "fell") fallen.set(attack, [...(fallen.get(attack) ?? []), name]);
    }
  }
  const rows = [...fallen]
    .toSorted(([one], [other]) => one.id.localeCompare(other.id))
    .map(([{ id, tries, advisory }, names]) => [`\`${id}\``, tries, advisory ?? "", names.join(", ")]);
  return [
    ["Attack", "What it tries", "Published case of the class", "Fell"],
    ["---", "---", "---", "---"],
    ...rows,
  ]
    .map(row)
    .join("\n");
}
