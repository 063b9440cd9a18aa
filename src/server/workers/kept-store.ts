import type { SessionStore } from "../../store/session-store.ts";
import type { KeptStoreCalls } from "./calls.ts";
import type { Peer } from "./peer.ts";

/** A worker's view of the store that the primary keeps for all, and where its messages come in. */
export interface KeptStore {
  readonly store: SessionStore;
  readonly hear: (message: string) => void;
}

/** Creates the view of one worker. To the sessions it is a store that several nodes share, like any other. */
export function createKeptStore(primary: Peer<KeptStoreCalls>): KeptStore {
  const listeners = new Set<(message: string) => void>();
  const hear = (message: string): void => {
    for (const listener of listeners) listener(message);
  };
  return {
    hear,
    store: {
      reach: "nodes",
      read: (name) => primary.call("read", name),
      write: (name, write) => primary.call("write", { name, write }),
      names: (prefix) => primary.call("names", prefix),
      async publish(message) {
        await primary.call("publish", message);
        // The others hear it from the primary.
        hear(message);
      },
      subscribe(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      close() {
        listeners.clear();
        return Promise.resolve();
      },
    },
  };
}

/** What the primary answers a worker of the store that it keeps; `tellOthers` passes on what the worker says to all. */
export const callsOf = (store: SessionStore, tellOthers: (message: string) => void): KeptStoreCalls => ({
  read: (name) => store.read(name),
  write: ({ name, write }) => store.write(name, write),
  names: (prefix) => store.names(prefix),
  publish: (message) => tellOthers(message),
});
