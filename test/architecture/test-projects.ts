import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "./fixture-tree.ts";

const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/"(?<file>test\/[\w/.-]+\.test\.ts)"/g)].map(({ groups }) => groups?.["file"] ?? "");

/** The files of each project of vitest.config.ts that runs files once more: they are listed one by one. */
export async function filesOfProjects(): Promise<ReadonlyMap<string, readonly string[]>> {
  const source = await readFile(join(repository, "vitest.config.ts"), "utf8");
  const lists = new Map(
    [...source.matchAll(/^const (?<name>\w+) = \[(?<files>[^\]]*)\];/gm)].map(
      ({ groups }) => [groups?.["name"] ?? "", namesIn(groups?.["files"] ?? "")] as const,
    ),
  );
  const projects = [...source.matchAll(/name: "(?<name>\w+)",\s+include: (?<lists>\[[^\]]*\]|\w+),/g)];
  return new Map(
    projects.map(({ groups }) => {
      const named = [...(groups?.["lists"] ?? "").matchAll(/\w+/g)].flatMap(
        ([name]) => lists.get(name) ?? [],
      );
      return [groups?.["name"] ?? "", named] as const;
    }),
  );
}
