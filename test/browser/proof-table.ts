import { readFileSync } from "node:fs";

/** A table of what a browser has been seen to do; docs/reference/browsers.md holds the same. */
export interface ProofTable {
  /** Fills a cell in. */
  saw(row: readonly string[], column: string, text: string): void;
  /** The rows with all their cells, the titles first; "–" where nothing was seen. */
  cells(): readonly (readonly string[])[];
  /** Prints it as Markdown. */
  print(): void;
}

/** Creates a table: titles of the columns that name a row, titles of the others, rows. */
export function createProofTable(
  names: readonly string[],
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): ProofTable {
  const seen = new Map<string, string>();
  const keyOf = (row: readonly string[], column: string): string => [...row, column].join("\n");
  const cells = (): readonly (readonly string[])[] => [
    [...names, ...columns],
    ...rows.map((row) => [...row, ...columns.map((column) => seen.get(keyOf(row, column)) ?? "–")]),
  ];
  return {
    saw: (row, column, text) => void seen.set(keyOf(row, column), text),
    cells,
    print() {
      const [titles = [], ...others] = cells();
      const line = (row: readonly string[]): string => `| ${row.join(" | ")} |\n`;
      process.stdout.write(`\n${[titles, titles.map(() => "---"), ...others].map(line).join("")}\n`);
    },
  };
}

/** The table below a heading of the page of browsers. */
export function documentedTable(heading: string): readonly (readonly string[])[] {
  const page = readFileSync(new URL("../../docs/reference/browsers.md", import.meta.url), "utf8");
  const [, below = ""] = page.split(`\n## ${heading}\n`);
  const [section = ""] = below.split("\n## ");
  return section
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}
