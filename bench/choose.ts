import { resolve } from "node:path";
import type { Contender } from "./contenders/contender.ts";
import { goContender } from "./contenders/go.ts";
import { own, sameAsOurs } from "./contenders/own.ts";
import { bare, nodeContender, peerContenders } from "./contenders/peers.ts";
import { programContenders } from "./contenders/programs.ts";
import { downloads } from "./loads/downloads.ts";
import type { Load } from "./loads/load.ts";
import { pageLoads } from "./loads/pages.ts";
import { socketLoads } from "./loads/sockets.ts";
import { uploads } from "./loads/uploads.ts";
import { type Command, UsageError } from "./options.ts";

/** Where contenders come from: the repository, the version of our package, a folder of this run. */
export interface Sources {
  readonly root: string;
  readonly version: string;
  readonly folder: string;
}

/** Ours first, then what the goals compare with. @throws UsageError for a name that there is not */
export function chooseContenders(
  { only, peer }: Command,
  { root, version, folder }: Sources,
): readonly Contender[] {
  const all = [
    ...own(root, version),
    ...programContenders,
    goContender(root, folder),
    ...peerContenders(root),
    bare(root, version),
  ];
  const unknown = only?.find((each) => !all.some(({ name }) => name === each));
  if (unknown !== undefined)
    throw new UsageError(`--only: ${unknown} is none of ${all.map(({ name }) => name).join(", ")}`);
  const chosen = all.filter(({ name }) => only?.includes(name) ?? name !== sameAsOurs);
  return peer === undefined ? chosen : [...chosen, nodeContender("peer", resolve(peer))];
}

/** Whether a load of one of these names is wanted. */
export const wants = ({ loads }: Command, ...names: readonly string[]): boolean =>
  loads === undefined || names.some((name) => loads.includes(name));

/** @throws UsageError for a name that there is not */
export function chooseLoads(command: Command, folder: string): readonly Load[] {
  const all = [
    ...downloads(folder),
    ...pageLoads(command.pages),
    ...socketLoads(command.idleSockets),
    uploads,
  ];
  const namesOf = ({ name, stage }: Load): string[] => {
    const names = name.startsWith("pages-") ? [name, "pages"] : [name];
    return [...names, ...names.map((each) => `${stage}/${each}`)];
  };
  const unknown = command.loads?.find(
    (each) => each !== "sessions" && !all.some((load) => namesOf(load).includes(each)),
  );
  if (unknown !== undefined) throw new UsageError(`--loads: there is no load ${unknown}`);
  return all.filter((load) => wants(command, ...namesOf(load)));
}
