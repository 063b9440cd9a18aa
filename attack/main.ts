// The command line of the attack suite; tools/attack.mjs bundles and calls it.
import { join } from "node:path";
import type { Attack } from "./attack.ts";
import { catalogue } from "./catalogue.ts";
import { ControlFailed } from "./control.ts";
import { holes } from "./launch/holes.ts";
import { ownLauncher } from "./launch/own.ts";
import { installPeers, obstacleTo, type Peer, peerLauncher, peers, versionOf } from "./launch/peers.ts";
import { attackHoles } from "./launch/plant.ts";
import { type Column, writeTable } from "./launch/table.ts";
import { type Command, readCommand, UsageError } from "./options.ts";
import { attackLines, countsLine, countsOf, resultLines, resultsAsJson } from "./report.ts";
import { attackLaunched, attackStanding, type Result, type Watcher } from "./suite.ts";
import { usage } from "./usage.ts";

/** Exit codes: nothing fell, something fell, nothing could be tried. */
const exit = { held: 0, fell: 1, unusable: 2 } as const;

/** Where the suite runs. */
export interface Surroundings {
  /** The repository. */
  readonly root: string;
  /** The version of our own package. */
  readonly version: string;
  /** Makes sure that `dist/` is built from the sources that stand there. */
  readonly build: () => void;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Runs a command line; resolves with the exit code. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const command = readCommand(args);
    return await run(command, command.built ? { ...surroundings, build: () => {} } : surroundings);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof ControlFailed)) throw error;
    process.stderr.write(`${error.message}\n`);
    if (error instanceof UsageError) process.stderr.write("--help says what there is.\n");
    return exit.unusable;
  }
}

async function run(command: Command, surroundings: Surroundings): Promise<number> {
  const { root } = surroundings;
  switch (command.mode) {
    case "help":
      print(usage);
      return exit.held;
    case "list":
      print(chosen(command).map(attackLines).join("\n"));
      return exit.held;
    case "holes":
      return runHoles(command, surroundings);
    case "table":
      return runTable(surroundings);
    case "peer":
      return runPeer(command, join(root, "attack/peers"));
    case "standing": {
      const { standing } = command;
      if (!standing) throw new UsageError("--target is missing");
      return report(command, standing.target.name, (watcher) =>
        attackStanding(standing, chosen(command), watcher),
      );
    }
    case "own":
      surroundings.build();
      return report(command, "qlik-session-proxy", (watcher) =>
        attackLaunched(ownLauncher(join(root, "dist")), chosen(command), watcher),
      );
  }
}

/** The attacks that the command line asks for, by their ids or by how these begin. */
function chosen({ only }: Command): readonly Attack[] {
  if (only === undefined) return catalogue;
  const unknown = only.find((each) => !catalogue.some(({ id }) => isMeant(id, each)));
  if (unknown !== undefined) throw new UsageError(`--only: there is no attack ${unknown}; --list names them`);
  return catalogue.filter(({ id }) => only.some((each) => isMeant(id, each)));
}

/** `H3-connection-names` by itself, by its line `H3`, or by its group `H`. */
const isMeant = (id: string, wanted: string): boolean =>
  id === wanted ||
  (/^[A-Z]\d+$/.test(wanted) && id.startsWith(`${wanted}-`)) ||
  (/^[A-Z]$/.test(wanted) && id.startsWith(wanted));

async function report(
  { json }: Command,
  name: string,
  attack: (watcher: Watcher) => Promise<Result[]>,
): Promise<number> {
  const results = await attack({ result: (result) => (json ? undefined : print(resultLines(result))) });
  const counts = countsOf(results);
  print(json ? resultsAsJson(name, results) : `${name}: ${countsLine(counts)}`);
  return counts.fell > 0 ? exit.fell : exit.held;
}

function findPeer(name: string): Peer {
  const peer = peers.find((each) => each.name === name);
  if (peer) return peer;
  throw new UsageError(`--proxy ${name} is none of ${peers.map((each) => each.name).join(", ")}`);
}

async function runPeer(command: Command, folder: string): Promise<number> {
  const peer = findPeer(command.peer ?? "");
  const obstacle = obstacleTo(peer);
  if (obstacle !== null) {
    print(`${peer.name}: skipped, ${obstacle}`);
    return exit.held;
  }
  installPeers(folder);
  return report(command, `${peer.name} ${versionOf(peer, folder)}`, (watcher) =>
    attackLaunched(peerLauncher(peer, folder), chosen(command), watcher),
  );
}

async function runHoles({ only }: Command, { root, build }: Surroundings): Promise<number> {
  const unknown = only?.find((each) => !holes.some(({ name }) => name === each));
  if (unknown !== undefined) {
    throw new UsageError(`--only: no hole ${unknown}; there are ${holes.map(({ name }) => name).join(", ")}`);
  }
  build();
  const planted = await attackHoles(root, catalogue, {
    only,
    told: ({ hole, found }) =>
      print(
        `${hole.name.padEnd(22)} ${found.length === 0 ? "NOT FOUND" : `found by ${found.join(", ")}`}  (${hole.what})`,
      ),
  });
  const finders = new Set(planted.flatMap(({ hole }) => hole.foundBy));
  const whole = await attackLaunched(
    ownLauncher(join(root, "dist")),
    catalogue.filter(({ id }) => finders.has(id)),
  );
  const counts = countsOf(whole);
  for (const result of whole) if (result.verdict.outcome !== "held") print(resultLines(result));
  const found = planted.filter((each) => each.found.length > 0).length;
  print(`the same attacks without a hole: ${countsLine(counts)}`);
  print(`${planted.length} holes, ${found} found`);
  return found === planted.length && counts.fell === 0 ? exit.held : exit.fell;
}

async function runTable({ root, version, build }: Surroundings): Promise<number> {
  const folder = join(root, "attack/peers");
  build();
  installPeers(folder);
  const columns: Column[] = [];
  const left: string[] = [];
  const add = async (
    name: string,
    itsVersion: string,
    launcher: Parameters<typeof attackLaunched>[0],
  ): Promise<void> => {
    const results = await attackLaunched(launcher, catalogue);
    print(`${name} ${itsVersion}: ${countsLine(countsOf(results))}`);
    columns.push({ name, version: itsVersion, results });
  };
  await add("qlik-session-proxy", version, ownLauncher(join(root, "dist")));
  for (const peer of peers) {
    const obstacle = obstacleTo(peer);
    if (obstacle === null) await add(peer.name, versionOf(peer, folder), peerLauncher(peer, folder));
    else left.push(obstacle);
  }
  const file = join(root, "docs/reference/attack-suite.md");
  writeTable(file, columns, { date: new Date().toISOString().slice(0, 10), node: process.version, left });
  print(`written to ${file}`);
  return exit.held;
}
