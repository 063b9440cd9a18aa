import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Attack } from "../attack.ts";
import { attackLaunched, type Result } from "../suite.ts";
import { type Hole, holes } from "./holes.ts";
import { ownLauncher } from "./own.ts";

/** What became of one hole. */
export interface Planted {
  readonly hole: Hole;
  /** Ids of the attacks that the proxy with the hole fell to. */
  readonly found: readonly string[];
  readonly results: readonly Result[];
}

/** How many proxies with holes are attacked at the same time; each waits more than it works. */
const side = 2;

/** Plants each hole in a copy of the built proxy of the repository at `root`, and tries the attacks that are to find it. */
export async function attackHoles(
  root: string,
  catalogue: readonly Attack[],
  options: {
    /** Names of the holes; all by default. */
    readonly only?: readonly string[] | undefined;
    readonly told?: (planted: Planted) => void;
  } = {},
): Promise<Planted[]> {
  const wanted = holes.filter(({ name }) => options.only?.includes(name) ?? true);
  // Inside the repository, so that the copies find their packages.
  const parent = join(root, "test-results");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "holes-"));
  const left = [...wanted];
  const planted: Planted[] = [];
  const work = async (): Promise<void> => {
    for (let hole = left.shift(); hole !== undefined; hole = left.shift()) {
      const outcome = await attackHole(hole, plant(hole, join(root, "dist"), folder), catalogue);
      planted.push(outcome);
      options.told?.(outcome);
    }
  };
  try {
    await Promise.all(Array.from({ length: side }, work));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return wanted.flatMap((hole) => planted.filter((each) => each.hole === hole));
}

async function attackHole(hole: Hole, dist: string, catalogue: readonly Attack[]): Promise<Planted> {
  const attacks = hole.foundBy.map((id) => {
    const attack = catalogue.find((each) => each.id === id);
    if (!attack) throw new Error(`the hole ${hole.name} is to be found by ${id}, which does not exist`);
    return attack;
  });
  const results = await attackLaunched({ ...ownLauncher(dist), survivesFalls: true }, attacks);
  const found = results.filter(({ verdict }) => verdict.outcome === "fell").map(({ attack }) => attack.id);
  return { hole, found, results };
}

/** Copies the built proxy and changes the copy; returns its folder. @throws Error where the text is not there once */
function plant(hole: Hole, dist: string, folder: string): string {
  const copy = join(folder, hole.name, "dist");
  cpSync(dist, copy, { recursive: true, filter: (source) => !source.endsWith(".d.ts") });
  for (const { file, text, by } of hole.changes) {
    const path = join(copy, file);
    const parts = readFileSync(path, "utf8").split(text);
    if (parts.length !== 2) {
      throw new Error(
        `the hole ${hole.name} cannot be planted: dist/${file} has ${parts.length - 1} times ${JSON.stringify(text)}`,
      );
    }
    writeFileSync(path, parts.join(by));
  }
  return copy;
}
