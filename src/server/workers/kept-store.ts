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
  return {
    hear(message) {
      for (const listener of listeners) listener(message);
    },
    store: {
      reach: "nodes",
      read: (name) => primary.call("read", name),
      write: (name, write) => primary.call("write", { name, write }),
      names: (prefix) => primary.call("names", prefix),
      publish: (message) => primary.call("publish", message),
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

/** What the primary answers of the store that it keeps. */
export const callsOf = (store: SessionStore): KeptStoreCalls => ({
  read: (name) => store.read(name),
  write: ({ name, write }) => store.write(name, write),
  names: (prefix) => store.names(prefix),
  publish: (message) => store.publish(message),
});
