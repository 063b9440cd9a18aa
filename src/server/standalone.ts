import type { IncomingMessage, ServerResponse } from "node:http";
import { systemClock } from "../kernel/clock.ts";
import { resolveAll } from "../options/several-tenants.ts";
import { assembleProxy } from "../proxy/create-session-proxy.ts";
import type { Reloaded, ReloadableProxy, SessionProxy } from "../proxy/session-proxy.ts";
import { createAdmin, readinessOf, shownTenant } from "./admin.ts";
import { formatListenAddress, type ListenAddress } from "./config/listen-address.ts";
import { toWebhookKey } from "./admin-webhook.ts";
import type { ServerConfig } from "./config/load.ts";
import { watchDescriptors } from "./descriptors.ts";
import { createEdgeListener, listenForEdge } from "./edge/edge-listener.ts";
import { RecentEvents } from "./console/recent-events.ts";
import { type Traffic, watchTraffic } from "./drain.ts";
import { type AnyServer, createListener, listen, replaceCertificate } from "./listener.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { checkCertificate, checkListeners, inOnePass } from "./reload.ts";

/** A running server. */
export interface StandaloneServer {
  /** Where it listens: an origin, or `unix:` and a path. */
  readonly url: string;
  /** Where its private listener listens, if it has one. */
  readonly adminUrl: string | undefined;
  /** Where its edge listener listens, if it has one. */
  readonly edgeUrl: string | undefined;
  /**
   * Stops without cutting anything off: serves on while the front door notices, sends WebSockets elsewhere, lets
   * requests finish, then closes. Ends as soon as nothing is in flight, and at the deadline at the latest.
   */
  drain(): Promise<void>;
  /**
   * Makes everything that another configuration needs, and changes nothing; the returned function puts it into force.
   * Requests and WebSockets that are under way go on, except for WebSockets that it does not let in: those are closed with
   * 4003.
   *
   * @throws OptionsError where it differs in what only a restart can change; docs/reference/reload.md
   */
  prepareReload(config: ServerConfig): () => Reloaded;
  /** Ends everything at once. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running server with what is inside of it. */
export interface RunningServer extends StandaloneServer {
  readonly proxy: ReloadableProxy;
  /** The drain without the end: resolves when nothing is in flight, and sessions can still be asked for. */
  quiesce(): Promise<void>;
}

/**
 * Starts the proxy with listeners of its own.
 *
 * @throws OptionsError when the options are wrong.
 * @throws ListenError when an address cannot be listened on; then nothing is left running.
 */
export function createStandaloneServer(config: ServerConfig): Promise<StandaloneServer> {
  return startServer(config);
}

/** As {@link createStandaloneServer}, for the processes of ours. @throws OptionsError, ListenError */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  // First, because a secret that cannot be read must leave nothing behind.
  let current = { config, webhookKey: toWebhookKey(config.admin) };
  // Its warnings are in the log already: the configuration was loaded with them.
  const proxy = assembleProxy(resolveAll(config.options), systemClock);
  const server = createListener(config.tls, { http2: config.http2 === true });
  const traffic = watchTraffic(server);
  mount(server, proxy);
  let quiescing: Promise<void> | undefined;
  let draining: Promise<void> | undefined;
  const admin =
    config.admin &&
    createAdmin({
      control: proxy,
      readings: new ServerMetrics(
        () => proxy.stats(),
        () => proxy.tenants(),
      ),
      events: new RecentEvents(systemClock.now),
      tenant: shownTenant(config.options),
      readiness: () => (quiescing === undefined ? readinessOf(proxy.stats()) : "draining"),
      token: () => current.config.admin?.token,
      webhookKey: () => current.webhookKey,
    });
  const edge =
    config.edge &&
    createEdgeListener({
      token: () => current.config.edge?.token,
      judge: (question) => proxy.judge(question),
    });
  const servers = [server, admin?.server, edge].filter((each) => each !== undefined);
  const close = async (): Promise<void> => {
    await Promise.all([proxy.close(), ...servers.map(closeNow)]);
    admin?.close();
  };
  const quiesce = (): Promise<void> => {
    quiescing ??= drain({ server, proxy, traffic, times: config.drain });
    return quiescing;
  };
  try {
    const address = await listen(server, config.listen);
    server.once("close", watchDescriptors(server));
    const adminAddress = admin && config.admin && (await listen(admin.server, config.admin.listen));
    const edgeAddress = edge && config.edge && (await listenForEdge(edge, config.edge.listen));
    return {
      proxy,
      quiesce,
      url: toUrl(address, config.tls !== undefined),
      adminUrl: adminAddress && toUrl(adminAddress, false),
      edgeUrl: edgeAddress && toUrl(edgeAddress, false),
      drain() {
        draining ??= quiesce().then(close);
        return draining;
      },
      prepareReload(next) {
        const { webhookKey, commit } = prepare(current.config, next, proxy);
        return () => {
          current = { config: next, webhookKey };
          if (next.tls !== undefined) replaceCertificate(server, next.tls);
          return commit();
        };
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What another configuration needs, made without a change. @throws OptionsError with every problem */
function prepare(
  current: ServerConfig,
  next: ServerConfig,
  proxy: ReloadableProxy,
): { readonly webhookKey: Buffer | undefined; readonly commit: () => Reloaded } {
  let commit = (): Reloaded => ({ socketsClosed: 0 });
  let webhookKey: Buffer | undefined;
  inOnePass(
    () => (webhookKey = toWebhookKey(next.admin)),
    () => checkListeners(current, next),
    () => checkCertificate(next.tls),
    () => (commit = proxy.prepareReload(resolveAll(next.options))),
  );
  return { webhookKey, commit };
}

/** The server is only ours, so what is not the proxy's is its answer too. */
function mount(server: AnyServer, proxy: SessionProxy): void {
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    proxy(request, response);
  });
  proxy.attach(server);
}

interface DrainParts {
  readonly server: AnyServer;
  readonly proxy: SessionProxy;
  readonly traffic: Traffic;
  readonly times: ServerConfig["drain"];
}

/** The phases of rules R11. The private listener stays until the end, so that probes see them. */
async function drain({ server, proxy, traffic, times }: DrainParts): Promise<void> {
  const deadline = AbortSignal.timeout(times.delay + times.deadline);
  await proxy.drain();
  try {
    await traffic.calm(deadline);
    server.close();
    await traffic.idle(deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
  }
}

/** Ends a listener and its connections. */
export async function closeNow(server: AnyServer): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}

/** How a listener is reached. */
export function toUrl(address: ListenAddress, secure: boolean): string {
  if ("path" in address) return formatListenAddress(address);
  return `${secure ? "https" : "http"}://${formatListenAddress(address)}`;
}
