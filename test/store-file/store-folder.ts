import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyEvent } from "../../src/kernel/channels.ts";
import { FileStore } from "../../src/store/file-store.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

/** A folder for stores, and what they said. */
export interface StoreFolder {
  readonly path: string;
  readonly clock: ManualClock;
  readonly events: readonly ProxyEvent[];
  /** The path of a file in it. */
  file(name: string): string;
  /** Starts a store in it, as the next process would. */
  open(): FileStore;
  /** Closes what is open, and takes it away. */
  remove(): Promise<void>;
}

/** Makes an empty place in which a store's folder can be made. */
export function createStoreFolder(): StoreFolder {
  const place = mkdtempSync(join(tmpdir(), "qsp-store-"));
  const path = join(place, "state");
  const clock = createManualClock();
  const events: ProxyEvent[] = [];
  const stores: FileStore[] = [];
  return {
    path,
    clock,
    events,
    file: (name) => join(path, name),
    open() {
      const store = new FileStore({ folder: path, clock, onEvent: (event) => void events.push(event) });
      stores.push(store);
      return store;
    },
    async remove() {
      await Promise.all(stores.map((store) => store.close()));
      rmSync(place, { recursive: true, force: true });
    },
  };
}

const hour = 3_600_000;

/** Writes a document in the place of whatever there is; an hour's life unless said. */
export async function put(
  store: SessionStore,
  name: string,
  value: string,
  keepFor: number = hour,
): Promise<void> {
  const { version, now } = await store.read(name);
  const { written } = await store.write(name, { version, readAt: now, value, keepFor });
  if (!written) throw new Error(`${name} was not written`);
}

/** What a store has under a name. */
export async function valueOf(store: SessionStore, name: string): Promise<string | null> {
  return (await store.read(name)).value;
}
