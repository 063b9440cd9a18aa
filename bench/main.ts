// The command line of the bench; tools/bench.mjs bundles and calls it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Contender } from "./contenders/contender.ts";
import { own } from "./contenders/own.ts";
import { installPeers, nodeContender, peerContenders } from "./contenders/peers.ts";
import { isThere, programContenders } from "./contenders/programs.ts";
import { downloads } from "./loads/downloads.ts";
import type { Load, Stage } from "./loads/load.ts";
import { measureSessions, type SessionFigure } from "./loads/sessions.ts";
import { socketLoads } from "./loads/sockets.ts";
import { uploads } from "./loads/uploads.ts";
import { type Command, readCommand, usage, UsageError } from "./options.ts";
import { pinOurselves } from "./process/cores.ts";
import { busyness, documentOf, report, type Run } from "./report/run-report.ts";
import { type Figure, runStage } from "./rounds.ts";
import { makeCertificate } from "./tenant/certificate.ts";
import { startFileTenant } from "./tenant/file-tenant.ts";
import { startLiveTenant } from "./tenant/live-tenant.ts";
import type { Tenant } from "./tenant/tenant.ts";

/** Exit codes: all measured, a gate failed, nothing could be measured. */
const exit = { measured: 0, failed: 1, unusable: 2 } as const;

/** Where the bench runs. */
export interface Surroundings {
  /** The repository. */
  readonly root: string;
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
  const { root } = surroundings;
  const loadBefore = busyness();
  const folder = mkdtempSync(join(tmpdir(), "qlik-session-proxy-bench-"));
  try {
    const chosen = chooseContenders(command, surroundings);
    const loads = chooseLoads(command, folder);
    const advice = ensurePrograms(chosen, surroundings);
    if (!command.built) surroundings.build();
    const { contenders, missing } = thoseThatCanBeHad(chosen, root);
    if (!programsOfTheBench.every((name) => isThere(name))) {
      complain([`The bench itself needs ${programsOfTheBench.join(", ")}.`, ...advice].join("\n"));
      return exit.unusable;
    }
    for (const each of missing) print(`missing: ${each}`);
    pinOurselves();
    const figures = await measureLoads(contenders, loads, { command, root, folder });
    const ours = contenders.find(({ name }) => name === "ours");
    const many =
      ours && wants(command, "sessions") ? await measureMany(ours, command, folder) : { sessions: [] };
    const whole: Run = { command, date: new Date(), loadBefore, contenders, missing, figures, ...many };
    print(`\n${report(whole)}`);
    if (command.write) writeFileSync(join(root, "docs/reference/performance.md"), documentOf(whole));
    const hasFailed =
      many.sessionFailure !== undefined || figures.some(({ failure }) => failure !== undefined);
    return hasFailed ? exit.failed : exit.measured;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without them there is no tenant and no load. */
const programsOfTheBench = ["nginx", "wrk", "openssl"];

function ensurePrograms(
  chosen: readonly Contender[],
  { root, ensurePrograms: ensure }: Surroundings,
): readonly string[] {
  const names = chosen.map(({ name }) => name);
  const advice = ensure([
    ...programsOfTheBench,
    ...["haproxy", "caddy"].filter((name) => names.includes(name)),
  ]);
  const needsPackages = peerContenders(root).some(({ name }) => names.includes(name));
  const failure = needsPackages ? installPeers(root) : null;
  if (failure !== null) complain(failure);
  return advice;
}

/** Ours first, then what the goals compare with. @throws UsageError for a name that there is not */
function chooseContenders({ only, peer }: Command, { root, version }: Surroundings): readonly Contender[] {
  const all = [own(root, version), ...programContenders, ...peerContenders(root)];
  const unknown = only?.find((each) => !all.some(({ name }) => name === each));
  if (unknown !== undefined)
    throw new UsageError(`--only: ${unknown} is none of ${all.map(({ name }) => name).join(", ")}`);
  const chosen = all.filter(({ name }) => only?.includes(name) ?? true);
  return peer === undefined ? chosen : [...chosen, nodeContender("peer", resolve(peer))];
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

const wants = ({ loads }: Command, ...names: readonly string[]): boolean =>
  loads === undefined || names.some((name) => loads.includes(name));

/** @throws UsageError for a name that there is not */
function chooseLoads(command: Command, folder: string): readonly Load[] {
  const all = [...downloads(folder), ...socketLoads(command.idleSockets), uploads];
  const namesOf = ({ name, stage }: Load): string[] => [name, `${stage}/${name}`];
  const unknown = command.loads?.find(
    (each) => each !== "sessions" && !all.some((load) => namesOf(load).includes(each)),
  );
  if (unknown !== undefined) throw new UsageError(`--loads: there is no load ${unknown}`);
  return all.filter((load) => wants(command, ...namesOf(load)));
}

async function measureLoads(
  contenders: readonly Contender[],
  loads: readonly Load[],
  { command, root, folder }: { readonly command: Command; readonly root: string; readonly folder: string },
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
      const plan = { tenant, contenders, loads: its, rounds: command.rounds, folder, say: complain };
      figures.push(...(await runStage(plan)));
    } finally {
      await tenant.stop();
    }
  }
  return figures;
}

async function measureMany(
  contender: Contender,
  { sessions: counts, rounds }: Command,
  folder: string,
): Promise<{ readonly sessions: readonly SessionFigure[]; readonly sessionFailure?: string }> {
  const tenant = await startFileTenant(folder, makeCertificate(folder));
  const sessions: SessionFigure[] = [];
  try {
    const plan = { contender, tenant, rounds, folder, say: complain };
    for (const count of counts) sessions.push(await measureSessions(plan, count));
    return { sessions };
  } catch (error) {
    return { sessions, sessionFailure: error instanceof Error ? error.message : String(error) };
  } finally {
    await tenant.stop();
  }
}
