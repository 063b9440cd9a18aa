import type { IncomingMessage, Server } from "node:http";

/** Tells the upgrade listeners of proxies from those of others, whichever copy of the library they come from. */
const mark = Symbol.for("qlik-session-proxy.takesUpgrade");

type Takes = (request: IncomingMessage) => boolean;

/** Marks a listener as that of a proxy, which leaves alone the upgrades that it does not take. */
export function markUpgradeListener<Listener extends object>(listener: Listener, takes: Takes): Listener {
  return Object.assign(listener, { [mark]: takes });
}

/**
 * Tells whether a listener has to refuse an upgrade that it does not take itself.
 *
 * Where only proxies listen and none of them takes it, nobody would answer and the browser would wait for ever; the
 * last of them does. Any other listener may still take it, at once or later.
 */
export function isLeftToLast(server: Server, listener: object, request: IncomingMessage): boolean {
  const all = server.listeners("upgrade");
  if (all.at(-1) !== listener) return false;
  return all.every((each) => {
    const takes = (each as { readonly [mark]?: Takes })[mark];
    return takes !== undefined && !takes(request);
  });
}
