/* The process of one worker: it does what the primary says, and ends with it. */
import cluster from "node:cluster";
import { systemClock } from "../../kernel/clock.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Reloaded } from "../../proxy/session-proxy.ts";
import { openParcel, type ServerConfig } from "../config/load.ts";
import { createServerLog, type ServerLog } from "../log.ts";
import { ServerMetrics } from "../metrics/server-metrics.ts";
import { type RunningServer, startServer } from "../standalone.ts";
import type { Collected, Greeting, PrimaryCalls, StartOrder, Started, WorkerCalls } from "./calls.ts";
import { forwardEvents } from "./forward-events.ts";
import { createKeptStore } from "./kept-store.ts";
import { createPeer } from "./peer.ts";

let log: ServerLog | undefined;
let server: RunningServer | undefined;
let isStoreKept = false;
let metrics: ServerMetrics | undefined;
let commit: (() => Reloaded) | undefined;

/** Until it was started, nothing else is asked. */
const running = (): RunningServer => {
  if (server === undefined) throw new Error("not started");
  return server;
};

/** The private listener is the primary's. */
function configOf(parcel: string): ServerConfig {
  const { admin: _primarys, ...config } = openParcel(new Secret(parcel), process.env);
  if (!isStoreKept) return config;
  return { ...config, options: { ...config.options, store: kept.store } };
}

async function start(order: StartOrder): Promise<Started> {
  ({ isStoreKept } = order);
  log = createServerLog(undefined, order.number);
  if (order.isWatched) {
    // Nobody asks before it serves, and nothing has happened before now.
    metrics = new ServerMetrics(
      () => running().proxy.stats(),
      () => server?.proxy.tenants() ?? [],
    );
    forwardEvents(systemClock, (events) => void primary.call("happened", events).catch(() => {}));
  }
  server = await startServer(configOf(order.parcel));
  return { url: server.url, edgeUrl: server.edgeUrl, node: server.proxy.nodeName };
}

const collectors: { readonly [Kind in keyof Collected]: () => Collected[Kind] } = {
  stats: () => running().proxy.stats(),
  sockets: () => running().proxy.socketCounts(),
  counts() {
    if (metrics === undefined) throw new Error("nothing is counted");
    return { node: running().proxy.nodeName, snapshot: metrics.read() };
  },
};

/** Sessions that are ended at once. */
const width = 16;

const calls: WorkerCalls = {
  start,
  ping() {},
  prepare(parcel) {
    commit = running().prepareReload(configOf(parcel));
  },
  commit() {
    if (commit === undefined) throw new Error("nothing is prepared");
    return commit();
  },
  drain: () => running().quiesce(),
  async endSessions() {
    const { sessions } = running().proxy;
    const keys = (await sessions.list()).map(({ key }) => key);
    for (let from = 0; from < keys.length; from += width)
      await Promise.allSettled(keys.slice(from, from + width).map((key) => sessions.revokeKey(key)));
  },
  async exit() {
    await server?.close();
    log?.close();
    process.exit(0);
  },
  collect: (kind) => collectors[kind](),
  list: (subject) => running().proxy.sessions.list(subject ?? undefined),
  revoke: (order) => running().proxy.revoke(order),
  revokeKey: (key) => running().proxy.sessions.revokeKey(key),
  hashOf: (subject) => running().proxy.sessions.hashOf(subject),
  nodeGone: (name) => running().proxy.nodeGone(name),
  heard: (message) => kept.hear(message),
};

const primary = createPeer<PrimaryCalls>({
  calls: calls as unknown as Readonly<Record<string, (argument: never) => unknown>>,
  // Where the channel is broken, its end is heard of too.
  send: (message) => void process.send?.(message, undefined, {}, () => {}),
});
const kept = createKeptStore(primary);

// A terminal, and systemd too, send these to every process; the primary says what they mean.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.on("message", (message) => primary.receive(message));
process.on("disconnect", () => {
  log?.close();
  process.exit(1);
});
if (!cluster.isWorker) process.exit(2);
process.send?.({ greeting: "ready" } satisfies Greeting);
