// The command line of the bench; tools/bench.mjs bundles and calls it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseContenders, chooseLoads, wants } from "./choose.ts";
import type { Contender } from "./contenders/contender.ts";
import { own } from "./contenders/own.ts";
import { installPeers, peerContenders } from "./contenders/peers.ts";
import { isThere, programContenders } from "./contenders/programs.ts";
import type { Load, Stage } from "./loads/load.ts";
import { measureSessions, type SessionFigure } from "./loads/sessions.ts";
import { type Command, readCommand, usage, UsageError } from "./options.ts";
import { pinOurselves } from "./process/cores.ts";
import { busyness, documentOf, report, type Run } from "./report/run-report.ts";
import { type Figure, runStage } from "./rounds.ts";
import { makeCertificate } from "./tenant/certificate.ts";
import { startFileTenant } from "./tenant/file-tenant.ts";
import { startLiveTenant } from "./tenant/live-tenant.ts";
import type { Tenant } from "./tenant/tenant.ts";
import { profile } from "./trials/profile.ts";
import { tryEdge } from "./trials/edge.ts";
import { runTrial } from "./trials/trial.ts";
import { tryWorkers } from "./trials/workers.ts";
import type { WarmTimes } from "./warm-up.ts";

/** Exit codes: all measured, a gate failed, nothing could be measured. */
const exit = { measured: 0, failed: 1, unusable: 2 } as const;

/** Where the bench runs. */
export interface Surroundings {
  /** The repository. */
  readonly root: string;
  /** Programs of the bench that run beside it, made ready to be started. */
  readonly programs: { readonly http2Client: string };
  /** The version of our own package. */
  readonly version: string;
  /** Makes sure that `dist/` is built from the sources that stand there. */
  readonly build: () => void;
  /** Installs programs of the system where it may; returns what a person has to do for the rest. */
  readonly ensurePrograms: (names: readonly string[]) => readonly string[];
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs a command line; resolves with the exit code. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const command = readCommand(args);
    if (command.isHelp) {
      print(usage);
      return exit.measured;
    }
    return await run(command, surroundings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`${error.message}\n--help says what there is.`);
    return exit.unusable;
  }
}

async function run(command: Command, surroundings: Surroundings): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "qlik-session-proxy-bench-"));
  try {
    return await (command.trial === undefined ? compare : tryOut)(command, surroundings, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bench itself: contenders beside each other. */
async function compare(command: Command, surroundings: Surroundings, folder: string): Promise<number> {
  const { root, version } = surroundings;
  const loadBefore = busyness();
  const chosen = chooseContenders(command, { root, version, folder });
  const loads = chooseLoads(command, folder);
  if (!areProgramsThere(programsOfContenders(chosen), surroundings)) return exit.unusable;
  if (peerContenders(root).some(({ name }) => chosen.some((each) => each.name === name))) {
    const failure = installPeers(root);
    if (failure !== null) complain(failure);
  }
  if (!command.built) surroundings.build();
  const { contenders, missing } = thoseThatCanBeHad(chosen, root);
  for (const each of missing) print(`missing: ${each}`);
  pinOurselves();
  const figures = await measureLoads(contenders, loads, { command, root, folder });
  const ours = contenders.find(({ name }) => name === "ours");
  const many =
    ours && wants(command, "sessions")
      ? await measureMany(ours, { command, root, folder })
      : { sessions: [] };
  const whole: Run = { command, date: new Date(), loadBefore, contenders, missing, figures, ...many };
  print(`\n${report(whole)}`);
  if (command.write) writeFileSync(join(root, "docs/reference/performance.md"), documentOf(whole));
  const hasFailed = many.sessionFailure !== undefined || figures.some(({ failure }) => failure !== undefined);
  return hasFailed ? exit.failed : exit.measured;
}

/** A question beside the product. */
async function tryOut(command: Command, surroundings: Surroundings, folder: string): Promise<number> {
  if (!areProgramsThere([], surroundings)) return exit.unusable;
  const { trial, rounds, isQuick } = command;
  const place = { folder, say: complain };
  // Workers take what they need of every core; all else is measured on one.
  if (trial !== "workers") pinOurselves();
  if (trial !== "workers" && trial !== "profile" && trial !== "edge") {
    print(await runTrial(command, { ...place, program: surroundings.programs.http2Client }));
    return exit.measured;
  }
  const { root, version, build } = surroundings;
  if (!command.built) build();
  const [ours] = own(root, version);
  const nginx = programContenders.find(({ name }) => name === "nginx");
  if (ours === undefined || nginx === undefined) return exit.unusable;
  const tries = {
    workers: () => tryWorkers({ ...place, contender: ours, rounds }),
    profile: () => profile({ ...place, contender: ours, isQuick }),
    edge: () => tryEdge({ ...place, root, ours, nginx, rounds, isQuick }),
  };
  print(await tries[trial]());
  return exit.measured;
}

/** Without them there is no tenant and no load. */
const programsOfTheBench = ["nginx", "wrk", "openssl"];

const programsOfContenders = (chosen: readonly Contender[]): string[] =>
  [
    ["haproxy", "haproxy"],
    ["caddy", "caddy"],
    ["go", "golang-go"],
  ].flatMap(([name, program]) =>
    program !== undefined && chosen.some((each) => each.name === name) ? [program] : [],
  );

/** Installs what it may; without the others their contenders are missing, without the bench's own there is nothing. */
function areProgramsThere(others: readonly string[], { ensurePrograms }: Surroundings): boolean {
  const advice = ensurePrograms([...programsOfTheBench, ...others]);
  if (programsOfTheBench.every((name) => isThere(name))) return true;
  complain([`The bench itself needs ${programsOfTheBench.join(", ")}.`, ...advice].join("\n"));
  return false;
}

function thoseThatCanBeHad(
  chosen: readonly Contender[],
  root: string,
): { readonly contenders: readonly Contender[]; readonly missing: readonly string[] } {
  const obstacles = chosen.map((contender) => ({ contender, obstacle: contender.obstacle() }));
  return {
    contenders: obstacles.filter(({ obstacle }) => obstacle === null).map(({ contender }) => contender),
    missing: obstacles.flatMap(({ contender, obstacle }) =>
      obstacle === null ? [] : [`${contender.name}: ${obstacle.replaceAll(root, "")}`],
    ),
  };
}

/** What a run is about, and where it may write. */
interface Place {
  readonly command: Command;
  readonly root: string;
  readonly folder: string;
}

/** A quick look is less sure of what it sees. */
const warmTimesOf = ({ isQuick }: Command): WarmTimes =>
  isQuick ? { first: 4, later: 0.5 } : { first: 8, later: 2 };

async function measureLoads(
  contenders: readonly Contender[],
  loads: readonly Load[],
  { command, root, folder }: Place,
): Promise<Figure[]> {
  const start: Readonly<Record<Stage, () => Promise<Tenant>>> = {
    plain: () => startFileTenant(folder),
    tls: () => startFileTenant(folder, makeCertificate(folder)),
    live: () => startLiveTenant(root, folder),
  };
  const figures: Figure[] = [];
  for (const stage of ["plain", "tls", "live"] as const) {
    const its = loads.filter((load) => load.stage === stage);
    if (its.length === 0) continue;
    const tenant = await start[stage]();
    try {
      const { rounds } = command;
      const warmTimes = warmTimesOf(command);
      const plan = { tenant, contenders, loads: its, rounds, warmTimes, folder, say: complain };
      figures.push(...(await runStage(plan)));
    } finally {
      await tenant.stop();
    }
  }
  return figures;
}

async function measureMany(
  contender: Contender,
  { command, root, folder }: Place,
): Promise<{ readonly sessions: readonly SessionFigure[]; readonly sessionFailure?: string }> {
  const tenant = await startFileTenant(folder);
  try {
    const { sessions: counts, rounds, isQuick } = command;
    const [warmTime, settleTime] = isQuick ? [1, 1000] : [10, 6000];
    const plan = { contender, tenant, counts, rounds, warmTime, settleTime, root, folder, say: complain };
    return { sessions: await measureSessions(plan) };
  } catch (error) {
    return { sessions: [], sessionFailure: error instanceof Error ? error.message : String(error) };
  } finally {
    await tenant.stop();
  }
}
