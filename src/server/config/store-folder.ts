import { dirname, resolve } from "node:path";
import { isPlainObject } from "../../options/check-shape.ts";
import { setAt } from "./merge.ts";
import type { Setting } from "./settings.ts";

/** What is needed to know where the store's folder is. */
export interface StoreFolderSources {
  /** With the contents of the files in it. Changed: the folder gets its full path. */
  readonly tree: Record<string, unknown>;
  readonly configFile: string | undefined;
  readonly settings: readonly Setting[];
}

/** Places the folder of `session.store`: like every path, it is relative to the file that names it, else to the working directory. */
export function placeStoreFolder({ tree, configFile, settings }: StoreFolderSources): void {
  const { session } = tree;
  if (!isPlainObject(session) || configFile === undefined) return;
  const { store } = session;
  if (typeof store !== "string" || !/^file:(?!\/\/)./.test(store)) return;
  const fromOutside = settings.some(
    ({ path: [group, key] }) => group === "session" && (key === "store" || key === "storeFile"),
  );
  if (fromOutside) return;
  const folder = resolve(dirname(configFile), store.slice("file:".length));
  setAt(tree, ["session", "store"], `file:${folder}`);
}
