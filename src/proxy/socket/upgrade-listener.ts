import type { IncomingMessage, Server } from "node:http";

/** Tells the upgrade listeners of proxies from those of others, whichever copy of the library they come from. */
const mark = Symbol.for("qlik-session-proxy.takesUpgrade");

type Takes = (request: IncomingMessage) => boolean;

/** Marks a listener as that of a proxy, which leaves alone the upgrades that it does not take. */
export function markUpgradeListener<Listener extends object>(listener: Listener, takes: Takes): Listener {
  return Object.assign(listener, { [mark]: takes });
}

const takesOf = (listener: object): Takes | undefined => (listener as { readonly [mark]?: Takes })[mark];

/**
 * Tells whether a listener has to refuse an upgrade that it does not take itself.
 *
 * Where only proxies listen and none of them takes it, nobody would answer and the browser would wait for ever; the
 * last of them does. Any other listener may still take it, at once or later.
 */
export function isLeftToLast(server: Server, listener: object, request: IncomingMessage): boolean {
  const all = server.listeners("upgrade");
  if (all.at(-1) !== listener) return false;
  return all.every((each) => takesOf(each)?.(request) === false);
}

type Emit = (event: string | symbol, ...values: unknown[]) => boolean;

/** The servers whose upgrades are dealt out. */
const dealt = new WeakSet<Server>();

/**
 * Lets a marked listener hear of a server's upgrades; those that it takes it alone hears of. Returns how to let go.
 *
 * Node tells every listener of every upgrade, and many end what they do not know: socket.io after a second, `ws` on a
 * server with a path at once. An upgrade has one owner; docs/decisions/0029 says why this is the place to say so.
 */
export function listenForUpgrades(
  server: Server,
  listener: (request: IncomingMessage, stream: unknown, head: Buffer) => void,
): () => void {
  if (!dealt.has(server)) dealOut(server);
  server.on("upgrade", listener);
  return () => void server.off("upgrade", listener);
}

/** It stays when the proxy has gone: what others have put around it meanwhile could not be taken off. */
function dealOut(server: Server): void {
  dealt.add(server);
  const emit = server.emit as Emit;
  const deal: Emit = (event, ...values) => {
    // Where there is one listener, there is nobody to keep it from. Earned by: bench handshakes
    const isShared = event === "upgrade" && server.listenerCount("upgrade") > 1;
    const owner = isShared ? ownerOf(server, values[0] as IncomingMessage) : undefined;
    if (owner === undefined) return emit.call(server, event, ...values);
    Reflect.apply(owner, server, values);
    return true;
  };
  server.emit = deal as Server["emit"];
}

const ownerOf = (server: Server, request: IncomingMessage) =>
  server.listeners("upgrade").find((each) => takesOf(each)?.(request));
