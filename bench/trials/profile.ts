import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, startContender } from "../contenders/contender.ts";
import { runWrk } from "../loads/wrk.ts";
import { tableOf } from "../report/tables.ts";
import { usualUsers } from "../site.ts";
import { answerNamed } from "../tenant/answers.ts";
import { startFileTenant } from "../tenant/file-tenant.ts";
import type { Tenant } from "../tenant/tenant.ts";

/** What the trial is made from. */
export interface ProfileTrial {
  readonly contender: Contender;
  readonly folder: string;
  /** Whether a short look at the first load is enough. */
  readonly isQuick: boolean;
  readonly say: (text: string) => void;
}

/** The loads that the goals ask most of. */
const loads = ["200B", "10KB", "10KB-json"];
const connections = 32;

/** Seconds until what is looked at is compiled, and of the look. */
const usualTimes = { warm: 8, look: 8 };
const quickTimes = { warm: 1, look: 1 };

/** Parts that take less are left out. Per cent. */
const smallestShare = 0.5;

/** What V8 writes with `--cpu-prof`; times in microseconds on the clock of `process.hrtime`. */
interface Profile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** Where the time of a request goes: the share of each room, of Node, and of the system. The answer is a table. */
export async function profile(trial: ProfileTrial): Promise<string> {
  const tenant = await startFileTenant(trial.folder);
  try {
    const columns: Map<string, number>[] = [];
    const names = trial.isQuick ? loads.slice(0, 1) : loads;
    for (const name of names) {
      columns.push(await sharesOf(name, tenant, trial));
      trial.say(`${name}: done`);
    }
    const parts = [...new Set(columns.flatMap((column) => [...column.keys()]))];
    const rows = parts
      .map((part) => ({ part, shares: columns.map((column) => column.get(part) ?? 0) }))
      .filter(({ shares }) => shares.some((share) => share >= smallestShare))
      .toSorted((one, other) => (other.shares[0] ?? 0) - (one.shares[0] ?? 0))
      .map(({ part, shares }) => [part, ...shares.map((share) => share.toFixed(1))]);
    return [intro, tableOf(["Per cent of the time", ...names], rows)].join("\n\n");
  } finally {
    await tenant.stop();
  }
}

async function sharesOf(
  name: string,
  tenant: Tenant,
  { contender, folder, isQuick }: ProfileTrial,
): Promise<Map<string, number>> {
  const place = join(folder, `profile-${name}`);
  const standing = await startContender(profiled(contender, place), tenant, folder);
  const load = {
    port: standing.port,
    path: answerNamed(name).path,
    connections,
    users: usualUsers,
    order: "in turn",
  } as const;
  const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);
  const { warm, look } = isQuick ? quickTimes : usualTimes;
  let window: Window;
  try {
    await runWrk({ ...load, seconds: warm }, folder);
    const from = microseconds();
    await runWrk({ ...load, seconds: look }, folder);
    window = { from, to: microseconds() };
  } finally {
    await standing.running.stop();
  }
  const [file] = readdirSync(place);
  if (file === undefined) throw new Error(`${contender.name} left no profile`);
  return shares(JSON.parse(readFileSync(join(place, file), "utf8")) as Profile, window);
}

/** Ends by SIGTERM: a profile is written at the end of a process that may end itself. */
const profiled = (contender: Contender, place: string): Contender => ({
  ...contender,
  program: (its) => {
    const program = contender.program(its);
    return {
      ...program,
      args: ["--cpu-prof", `--cpu-prof-dir=${place}`, ...program.args],
      stopBy: "SIGTERM",
    };
  },
});

/** The share of each part in what was done within the window, in per cent. */
function shares(
  { startTime, nodes, samples, timeDeltas }: Profile,
  { from, to }: Window,
): Map<string, number> {
  const partOf = new Map(nodes.map(({ id, callFrame }) => [id, part(callFrame)]));
  const spent = new Map<string, number>();
  let now = startTime;
  let all = 0;
  samples.forEach((id, index) => {
    const delta = timeDeltas[index] ?? 0;
    now += delta;
    const name = partOf.get(id) ?? null;
    if (now < from || now > to || name === null) return;
    spent.set(name, (spent.get(name) ?? 0) + delta);
    all += delta;
  });
  return new Map([...spent].map(([name, time]) => [name, (100 * time) / all]));
}

const ofSystem = /^(writev|writeBuffer|write\w+String|writeString|shutdown|open|close|fsync|readStart)$/;

/** To which part a function belongs; null where nothing is done. */
function part({ functionName, url }: Profile["nodes"][number]["callFrame"]): string | null {
  if (functionName === "(idle)") return null;
  if (url.startsWith("node:")) return "Node's JavaScript";
  if (url.includes("/node_modules/")) return "packages";
  const [, inside] = url.split("/dist/");
  if (inside !== undefined) return `src/${inside.slice(0, Math.max(0, inside.lastIndexOf("/")))}`;
  if (ofSystem.test(functionName)) return "writing to sockets and files";
  if (functionName.startsWith("RegExp:")) return "regular expressions";
  if (functionName === "(garbage collector)") return "the collector";
  return "reading, and the rest of the engine";
}

const intro = `Where the time of a request goes, by samples of V8 (plain upstream, ${connections} connections, everything on). The engine's
other threads are not in it.`;
