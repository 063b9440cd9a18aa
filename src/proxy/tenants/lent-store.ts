import type { SessionStore } from "../../store/session-store.ts";

/**
 * A store as one of several proxies sees it, which may close it for itself: what the others hear, and the connections, stay.
 *
 * Nothing else keeps tenants apart in a store, because nothing else has to: every document of a tenant has a name that is
 * derived with a key of that tenant, or from its origin.
 */
export function lend(store: SessionStore): SessionStore {
  const unsubscribe = new Set<() => void>();
  return {
    reach: store.reach,
    read: (name) => store.read(name),
    write: (name, write) => store.write(name, write),
    names: (prefix) => store.names(prefix),
    publish: (message) => store.publish(message),
    subscribe(listener) {
      const stop = store.subscribe(listener);
      unsubscribe.add(stop);
      return () => {
        unsubscribe.delete(stop);
        stop();
      };
    },
    close() {
      for (const stop of unsubscribe) stop();
      unsubscribe.clear();
      return Promise.resolve();
    },
  };
}
