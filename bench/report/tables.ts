import type { Load } from "../loads/load.ts";
import type { SessionFigure } from "../loads/sessions.ts";
import { type Figure, median, type Sample } from "../rounds.ts";
import { goalRows } from "./goals.ts";

/** A table in Markdown, padded so that it can be read as it is; columns of numbers are aligned at their ends. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  isNumber: (column: number) => boolean = (column) => column > 0,
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => (row[column] ?? "").length)));
  const pad = (cell: string, width: number, column: number): string =>
    isNumber(column) ? cell.padStart(width) : cell.padEnd(width);
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? "", width, column)).join(" | ")} |`;
  const rule = widths.map((width, column) => "-".repeat(width - 1) + (isNumber(column) ? ":" : "-"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** For a table of words. */
export const noNumbers = (): boolean => false;

const stageNames = { plain: "plain upstream", tls: "TLS upstream", live: "plain upstream" } as const;

const costName = ({ unit, countsMemory }: Load): string =>
  countsMemory ? `KiB a ${unit}` : unit === "GB" ? "CPU s/GB" : `CPU µs a ${unit}`;

/** A load and its table. */
export interface LoadTable {
  readonly title: string;
  readonly text: string;
  /** Who got no number, and why. */
  readonly failures: readonly string[];
}

/** One table for each load, in the order in which they were run. */
export function loadTables(figures: readonly Figure[]): LoadTable[] {
  return [...new Set(figures.map(({ load }) => load))].map((load) => {
    const its = figures.filter((figure) => figure.load === load);
    return {
      title: `${load.title}, ${stageNames[load.stage]}`,
      text: loadTable(load, its),
      failures: its.flatMap(({ contender, failure }) =>
        failure === undefined
          ? []
          : [`${contender} gets no number: ${failure.replaceAll(/\s+/g, " ").slice(0, 300)}`],
      ),
    };
  });
}

function loadTable(load: Load, figures: readonly Figure[]): string {
  const costOf = (name: string): number =>
    costs(figures.find(({ contender }) => contender === name)?.samples ?? []).median;
  const [nginx, httpProxy] = [costOf("nginx"), costOf("http-proxy")];
  const head = ["", costName(load), "best", "× nginx", "× http-proxy"];
  const more = load.countsMemory
    ? []
    : [load.unit === "GB" ? "GB/s" : `${load.unit}s/s`, "p50 ms", "p99 ms", "peak MiB"];
  const rows = figures
    .toSorted((one, other) => byCost(costs(one.samples).median, costs(other.samples).median))
    .map(({ contender, samples }) => {
      const cost = costs(samples);
      const cells = [
        contender,
        costText(load, cost.median),
        costText(load, cost.best),
        ratio(cost.median / nginx),
        ratio(cost.median / httpProxy),
      ];
      return load.countsMemory ? cells : [...cells, ...paceCells(load, samples)];
    });
  return tableOf([...head, ...more], rows);
}

function paceCells({ unit }: Load, samples: readonly Sample[]): string[] {
  const middle = (of: (sample: Sample) => number | undefined): number =>
    median(samples.flatMap((sample) => of(sample) ?? []));
  return [
    number(
      middle(({ rate }) => rate),
      unit === "GB" ? 2 : 0,
    ),
    number(
      middle(({ p50 }) => p50),
      1,
    ),
    number(
      middle(({ p99 }) => p99),
      1,
    ),
    samples.length === 0 ? "–" : number(Math.max(...samples.map(({ peak }) => peak)) / 1024, 0),
  ];
}

const costs = (samples: readonly Sample[]): { readonly median: number; readonly best: number } => ({
  median: median(samples.map(({ cost }) => cost)),
  best: samples.length === 0 ? Number.NaN : Math.min(...samples.map(({ cost }) => cost)),
});

/** Those without a number come last. */
const byCost = (one: number, other: number): number =>
  Number.isNaN(one) || Number.isNaN(other)
    ? Number(Number.isNaN(one)) - Number(Number.isNaN(other))
    : one - other;

const number = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : "–";
const ratio = (value: number): string => number(value, 2);
const costText = ({ unit, countsMemory }: Load, cost: number): string =>
  countsMemory ? number(cost, 1) : unit === "GB" ? number(cost / 1e6, 2) : number(cost, 0);

/** Our figures beside the goals. */
export const goalTable = (figures: readonly Figure[], sessions: readonly SessionFigure[]): string =>
  tableOf(
    ["Goal", "Measured", "Must", "Must is", "Stretch", "Stretch is"],
    goalRows(figures, sessions).map(({ title, measured, must, isMustReached, stretch, isStretchReached }) => [
      title,
      measured,
      must,
      isMustReached,
      stretch,
      isStretchReached,
    ]),
    noNumbers,
  );

/** What many sessions cost. */
export const sessionTable = (figures: readonly SessionFigure[]): string =>
  tableOf(
    ["Sessions", "KiB each", "CPU µs a request, 8 in use", "CPU µs a request, all in use"],
    figures.map(({ sessions, memory, few, all }) => [
      String(sessions),
      number(memory, 1),
      number(few, 0),
      number(all, 0),
    ]),
  );
