import type { Load } from "../loads/load.ts";
import type { RequestCost } from "../loads/request-cost.ts";
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

/** A column beside the cost. */
interface Column {
  readonly head: string;
  cell(samples: readonly Sample[]): string;
}

/** The number in the middle of what the rounds say. */
const middleOf = (head: string, digits: number, of: (sample: Sample) => number | undefined): Column => ({
  head,
  cell: (samples) => number(median(samples.flatMap((sample) => of(sample) ?? [])), digits),
});

const peakColumn: Column = {
  head: "peak MiB",
  cell: (samples) =>
    samples.length === 0 ? "–" : number(Math.max(...samples.map(({ peak }) => peak)) / 1024, 0),
};

const p50Column = middleOf("p50 ms", 1, ({ p50 }) => p50);
const p99Column = middleOf("p99 ms", 1, ({ p99 }) => p99);

/** How much, how fast, and whether connections to the tenant were kept. */
const paceColumns = ({ unit }: Load): Column[] => [
  middleOf(unit === "GB" ? "GB/s" : `${unit}s/s`, unit === "GB" ? 2 : 0, ({ rate }) => rate),
  p50Column,
  p99Column,
  middleOf("opened", 0, ({ opened }) => opened),
  peakColumn,
];

/** Of pages, which come at their own pace: how long each takes, and what became of connections. */
const pageColumns: readonly Column[] = [
  { ...p50Column, head: "page p50 ms" },
  { ...p99Column, head: "page p99 ms" },
  middleOf("opened a page", 2, ({ opened, pages }) =>
    opened === undefined || pages === undefined ? undefined : opened / pages,
  ),
  middleOf("reused %", 1, ({ opened, units }) =>
    opened === undefined ? undefined : 100 * (1 - opened / units),
  ),
  peakColumn,
];

const isOfPages = (figures: readonly Figure[]): boolean =>
  figures.some(({ samples }) => samples.some(({ pages }) => pages !== undefined));

function loadTable(load: Load, figures: readonly Figure[]): string {
  const costOf = (name: string): number =>
    costs(figures.find(({ contender }) => contender === name)?.samples ?? []).median;
  const ofPages = isOfPages(figures);
  const beside = ofPages ? ["shared-pool"] : ["nginx", "http-proxy"];
  const columns = load.countsMemory ? [] : ofPages ? pageColumns : paceColumns(load);
  const head = ["", costName(load), "best", ...beside.map((name) => `× ${name}`)];
  const rows = figures
    .toSorted((one, other) => byCost(costs(one.samples).median, costs(other.samples).median))
    .map(({ contender, samples }) => {
      const cost = costs(samples);
      return [
        contender,
        costText(load, cost.median),
        costText(load, cost.best),
        ...beside.map((name) => number(cost.median / costOf(name), 2)),
        ...columns.map(({ cell }) => cell(samples)),
      ];
    });
  return tableOf([...head, ...columns.map((column) => column.head)], rows);
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
    ["Sessions", "heap KiB each", "RSS KiB each", "CPU µs a login"],
    figures.map(({ sessions, heap, rss, login }) => [
      String(sessions),
      number(heap, 1),
      number(rss, 1),
      number(login, 0),
    ]),
  );

/** What a request costs while they are there. */
export const requestTable = (figures: readonly SessionFigure[]): string =>
  tableOf(
    ["Sessions", "in use", "CPU µs a request", "GC pauses", "other threads", "opened a request"],
    figures.flatMap(({ sessions, few, alone, all }) => [
      [String(sessions), "8", ...requestCells(few)],
      ["few", "8", ...requestCells(alone)],
      [String(sessions), "all", ...requestCells(all)],
    ]),
  );

const requestCells = ({ cpu, pauses, beside, opened }: RequestCost): string[] => [
  number(cpu, 0),
  number(pauses, 0),
  number(beside, 0),
  number(opened, 2),
];
