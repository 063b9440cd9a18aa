import { readFinding } from "./findings.ts";
import type { Side } from "./fuzz-case.ts";
import { fuzzSide, mebibytes, share, type SideReport } from "./fuzz-side.ts";

/** What is fuzzed, and how. */
export interface FuzzOptions {
  readonly seed: number;
  readonly sides: readonly Side[];
  readonly minutes: number;
  /** Who speaks to the tenant. */
  readonly client: "undici" | "own";
  /** A file of a finding, to be played again. */
  readonly replay?: string | undefined;
  readonly dist: string;
  readonly probe: string;
  readonly folder: string;
  /** Something wrong that is put into the process, to see that it is found. */
  readonly plant?: string | undefined;
  readonly say: (line: string) => void;
}

/** Fuzzes the standalone server, on both its sockets at the same time; prints what it came to. */
export async function fuzz(options: FuzzOptions): Promise<readonly SideReport[]> {
  const { replay, minutes, say } = options;
  const began = performance.now();
  const again = replay === undefined ? undefined : readFinding(replay);
  const sides = again ? [again.side] : options.sides;
  const seed = again?.seed ?? options.seed;
  const reports = await Promise.all(
    sides.map((side) =>
      fuzzSide({ ...options, side, seed, duration: minutes * 60_000, replay: again?.cases }),
    ),
  );
  for (const report of reports) say(described(report));
  say(figureOf(reports, { seed, client: options.client, seconds: (performance.now() - began) / 1000 }));
  return reports;
}

/** Whether nothing was found. */
export const isClean = (reports: readonly SideReport[]): boolean =>
  reports.every(({ findings, isAlive }) => isAlive && findings.length === 0);

const both = ({ socketsIn, socketsOut }: SideReport["atEnd"]): number => socketsIn + socketsOut;

function described(report: SideReport): string {
  const { side, cases, depths, logins, atStart, warm, atEnd } = report;
  const reached = Object.entries(depths).map(([name, count]) => `${name} ${share(count, cases)}`);
  return [
    `${side}: ${cases} cases, of which ${reached.join(", ")}`,
    `  logins answered properly ${logins.proper}, with hostility ${logins.hostile}; controls ${report.controls}; different outcomes ${report.outcomes}; blocks of code ${atStart.blocks} at the start, ${atEnd.blocks} at the end`,
    `  process alive ${report.isAlive ? "yes" : "no"}; unhandled rejections ${atEnd.rejections}; uncaught exceptions ${atEnd.exceptions}; warnings ${atEnd.warnings}`,
    `  open sockets ${both(atStart)} at the start, ${both(atEnd)} at the end; heap ${mebibytes(warm.heap)} when warm, ${mebibytes(atEnd.heap)} at the end; RSS ${mebibytes(warm.rss)} and ${mebibytes(atEnd.rss)}; slowest case ${Math.round(report.slowest)} ms`,
    ...report.findings.map(({ what, file }) => `  found: ${what}: ${file}`),
  ].join("\n");
}

function figureOf(
  reports: readonly SideReport[],
  about: Pick<FuzzOptions, "seed" | "client"> & { readonly seconds: number },
): string {
  const sum = (value: (report: SideReport) => number): number =>
    reports.reduce((total, report) => total + value(report), 0);
  const values: Readonly<Record<string, number | string>> = {
    seconds: Math.round(about.seconds),
    seed: about.seed,
    client: about.client,
    ...Object.fromEntries(reports.map(({ side, cases }) => [side, `${cases} cases`])),
    "requests forwarded": sum(({ depths }) => depths.forwarded),
    logins: sum(({ logins }) => logins.proper),
    "sockets spliced": sum(({ depths }) => depths.spliced),
    alive: reports.every(({ isAlive }) => isAlive) ? "yes" : "no",
    "unhandled rejections": sum(({ atEnd }) => atEnd.rejections),
    "uncaught exceptions": sum(({ atEnd }) => atEnd.exceptions),
    "sockets at start": sum(({ atStart }) => both(atStart)),
    "sockets at end": sum(({ atEnd }) => both(atEnd)),
    "RSS warm": mebibytes(sum(({ warm }) => warm.rss)),
    "RSS at end": mebibytes(sum(({ atEnd }) => atEnd.rss)),
    "slowest case": `${Math.round(Math.max(...reports.map(({ slowest }) => slowest)))} ms`,
    controls: sum(({ controls }) => controls),
    findings: sum(({ findings }) => findings.length),
  };
  return `[figure] fuzz: ${Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")}`;
}
