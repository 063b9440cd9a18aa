import { runTool, type ToolRun } from "../support/tool-command.ts";

/** Longer than any run takes on a busy machine. Milliseconds. */
export const longest = 240_000;

/** Runs `npm run bench -- …` with the last build, which other tests are using too. */
export const bench = (...args: readonly string[]): Promise<ToolRun> =>
  runTool("bench", ["--built", "--quick", "--rounds", "1", ...args]);

/** A row of a table of figures with a number in it. */
export const measured = (contender: string): RegExp => new RegExp(`^\\| ${contender} +\\| +\\d+ \\|`, "m");

/** What stands in a column of a contender's row. */
export function cellOf(table: string, contender: string, column: string): string | undefined {
  const cells = (line = ""): string[] => line.split("|").map((cell) => cell.trim());
  const lines = table.split("\n").filter((line) => line.startsWith("|"));
  const place = cells(lines[0]).indexOf(column);
  return cells(lines.find((line) => cells(line).includes(contender)))[place];
}
