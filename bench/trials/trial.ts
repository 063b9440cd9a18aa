import { join } from "node:path";
import { type Command, UsageError } from "../options.ts";
import { pagesPerSecond } from "../loads/pages.ts";
import { requestsPerPage, type VisitCounts } from "../loads/page-visits.ts";
import { contenderCore } from "../process/cores.ts";
import { freePort, type Running, startProgram } from "../process/start.ts";
import { tableOf } from "../report/tables.ts";
import { median, shuffled } from "../rounds.ts";
import { makeCertificate } from "../tenant/certificate.ts";
import { startFileTenant } from "../tenant/file-tenant.ts";
import type { Tenant } from "../tenant/tenant.ts";
import { ways } from "./ways.ts";

/** Where a trial runs. */
export interface TrialPlace {
  readonly folder: string;
  /** The program that goes one way to the tenant. */
  readonly program: string;
  readonly say: (line: string) => void;
}

/** Seconds of a round, and of what comes before each and is not counted. */
const roundSeconds = 3;
const leadSeconds = (people: number): number => (people > 1 && people < 1000 ? 5 : 1);

/** Seconds until code is compiled, connections opened anew among them. */
const warmSeconds = ({ isQuick }: Command): number => (isQuick ? 1 : 4);
const mostRounds = 3;

interface Sample extends VisitCounts {
  /** Microseconds for all. */
  readonly cpu: number;
  readonly rss: number;
  readonly opened: number;
}

interface Walker {
  readonly name: string;
  readonly running: Running;
  readonly visit: (people: number, seconds: number) => Promise<Omit<Sample, "opened">>;
}

/** HTTP/2 on one connection for each person, beside HTTP/1.1 on up to six; the answer is a table. @throws UsageError */
export async function runTrial(command: Command, place: TrialPlace): Promise<string> {
  if (command.trial !== "http2") throw new UsageError(`--trial: there is no trial ${command.trial}`);
  const tenant = await startFileTenant(place.folder, makeCertificate(place.folder), { http2: true });
  const walkers: Walker[] = [];
  try {
    for (const name of Object.keys(ways)) walkers.push(await startWalker(name, tenant, place));
    const rows: string[][] = [];
    for (const people of command.pages) {
      const rounds = Math.min(mostRounds, command.rounds);
      for (const { visit } of walkers) await visit(people, warmSeconds(command));
      rows.push(...(await visitAll({ walkers, tenant, people, rounds })));
      place.say(`${people} people: done`);
    }
    return [intro, tableOf(head, rows, (column) => column !== 1)].join("\n\n");
  } finally {
    await Promise.all(walkers.map(({ running }) => running.stop()));
    await tenant.stop();
  }
}

async function startWalker(name: string, tenant: Tenant, place: TrialPlace): Promise<Walker> {
  const port = await freePort();
  const env = {
    BENCH_PORT: String(port),
    BENCH_TENANT: tenant.origin,
    BENCH_CA_FILE: tenant.caFile ?? "",
    BENCH_WAY: name,
    NODE_ENV: "production",
  };
  const running = await startProgram(
    { command: process.execPath, args: [place.program], env },
    { core: contenderCore, port, logFile: join(place.folder, `way-${port}.log`) },
  );
  return {
    name,
    running,
    async visit(people, seconds) {
      const question = `?people=${people}&seconds=${seconds}&rate=${pagesPerSecond}`;
      const answer = await fetch(`http://127.0.0.1:${port}/${question}`);
      if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
      return (await answer.json()) as Omit<Sample, "opened">;
    },
  };
}

interface Visit {
  readonly walkers: readonly Walker[];
  readonly tenant: Tenant;
  readonly people: number;
  readonly rounds: number;
}

/** The rounds of all ways for so many people, and their rows. */
async function visitAll({ walkers, tenant, people, rounds }: Visit): Promise<string[][]> {
  const taken = async (): Promise<number> => (await tenant.connectionsTaken?.()) ?? Number.NaN;
  const samples = new Map(walkers.map((walker) => [walker, [] as Sample[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const walker of shuffled(walkers)) {
      await walker.visit(people, leadSeconds(people));
      const before = await taken();
      const counts = await walker.visit(people, roundSeconds);
      samples.get(walker)?.push({ ...counts, opened: (await taken()) - before });
    }
  }
  return [...samples].map(([{ name }, its]) => rowOf(people, name, its));
}

const head = [
  "People",
  "Way",
  "CPU µs a request",
  "best",
  "page p50 ms",
  "page p99 ms",
  "opened a page",
  "RSS MiB",
];

function rowOf(people: number, name: string, samples: readonly Sample[]): string[] {
  const costs = samples.map(({ cpu, pages }) => cpu / (pages * requestsPerPage));
  const middle = (of: (sample: Sample) => number, digits: number): string =>
    median(samples.map(of)).toFixed(digits);
  return [
    String(people),
    name,
    median(costs).toFixed(0),
    Math.min(...costs).toFixed(0),
    middle(({ p50 }) => p50, 1),
    middle(({ p99 }) => p99, 1),
    middle(({ opened, pages }) => opened / pages, 2),
    middle(({ rss }) => rss / 1024 ** 2, 0),
  ];
}

const intro = `The way to a tenant that offers HTTP/2 (nginx, TLS), without the proxy around it: ${pagesPerSecond} pages of ${requestsPerPage} requests in a second,
six at a time, of one of so many people by chance. Nobody shares a connection; HTTP/1.1 has up to six for each, HTTP/2 one;
all are closed when they were not used for 5 s. CPU is that of the process which goes that way.`;
