import { join } from "node:path";
import type { Contender } from "../contenders/contender.ts";
import { freePort } from "./start.ts";

/** What a watched program says of itself. */
export interface Inside {
  /** Bytes that its objects and buffers hold, and all that the process has. */
  readonly heap: number;
  readonly rss: number;
  /** Seconds for which it has stood still for its garbage collector so far. */
  readonly pauses: number;
}

/** A contender that can be asked how it is. */
export interface Watched {
  readonly contender: Contender;
  readonly look: () => Promise<Inside>;
  /** After a full collection, so that only what is held is counted. */
  readonly collect: () => Promise<Inside>;
}

/** A collection that is asked for throws compiled code away too, which no other does while it is in use. */
const flags = ["--expose-gc", "--no-flush-bytecode"];

/** Loads `watch.mjs` into a contender of Node. */
export async function watched(contender: Contender, root: string): Promise<Watched> {
  const port = await freePort();
  const ask = async (path: string): Promise<Inside> =>
    (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Inside;
  return {
    contender: {
      ...contender,
      program(place) {
        const program = contender.program(place);
        return {
          ...program,
          args: [...flags, "--import", join(root, "bench/process/watch.mjs"), ...program.args],
          env: { ...program.env, BENCH_WATCH_PORT: String(port) },
        };
      },
    },
    look: () => ask("/"),
    collect: () => ask("/collect"),
  };
}
