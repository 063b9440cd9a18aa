import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Socket } from "node:net";
import { SessionProxyError } from "../../errors.ts";
import { followAnswers } from "../../http/answers-under-way.ts";
import type { Clock } from "../../kernel/clock.ts";
import { traceId } from "../../kernel/random.ts";
import type { ResolvedTenants } from "../../options/several-tenants.ts";
import { addStats } from "../add-stats.ts";
import { isBelow, rawTarget, unclaimed } from "../admission.ts";
import type { EdgeVerdict } from "../edge/edge-door.ts";
import type { Handle, Middleware, ReloadableProxy, TenantProxy } from "../session-proxy.ts";
import type { UpgradeListener } from "../socket/upgrade-door.ts";
import { isLeftToLast, listenForUpgrades, markUpgradeListener } from "../socket/upgrade-listener.ts";
import { hostsOf } from "./find-tenant.ts";
import { refuseRequest, refuseUpgrade } from "./refuse-request.ts";
import { type Assemble, everyone, TenantSet } from "./tenant-set.ts";

/** Puts the proxies of several tenants behind one handler, which hands each request to one of them. */
export function assembleTenants(options: ResolvedTenants, clock: Clock, assemble: Assemble): ReloadableProxy {
  const set = new TenantSet(options, clock, assemble);
  const proxies = (): readonly TenantProxy[] => set.served.map(({ proxy }) => proxy);
  // For those who count by it, whatever a reload brings.
  const nodeName = proxies()
    .map((proxy) => proxy.nodeName)
    .join(" ");

  const handle = (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): void => {
    const tenant = set.find(request);
    if (tenant) tenant.proxy(request, response, next);
    else if (next && !isMeant(set, request)) next();
    else refuseRequest(request, response, refusalOf(set, request));
  };

  return Object.assign(handle as Handle, {
    attach: (
      server: Server | Http2SecureServer,
      { before = [] }: { readonly before?: readonly Middleware[] } = {},
    ) => attach(set, server as Server, before),
    // Below prefixes of their own they have nothing in common but the root.
    prefix: set.by === "prefix" ? "/" : set.served[0].proxy.prefix,
    prepareReload: set.prepareReload.bind(set),
    judge: async () => noEdge(),
    nodeName,
    tenants: () =>
      set.served.map(({ name, options: { tenant }, proxy }) => ({
        name,
        origin: tenant.origin,
        stats: () => proxy.stats(),
      })),
    socketCounts: () => proxies().flatMap((proxy) => proxy.socketCounts()),
    nodeGone(names: string) {
      for (const name of names.split(" ")) for (const proxy of proxies()) proxy.nodeGone(name);
    },
    logout: (request: IncomingMessage) => logout(set, request),
    sessions: {
      list: async (subject?: string) =>
        (
          await Promise.all(
            set.served.map(async ({ name, proxy }) =>
              (await proxy.sessions.list(subject)).map((each) => ({ ...each, tenant: name })),
            ),
          )
        ).flat(),
      hashOf: (subject: string) => hashesOf(proxies(), subject),
      revokeKey: async (key: string) =>
        (await everyone(proxies(), (proxy) => proxy.sessions.revokeKey(key))).some(Boolean),
    },
    async revoke(order: { readonly subject: string; readonly blockFor?: number }) {
      await everyone(proxies(), (proxy) => proxy.revoke(order));
    },
    async drain(order?: { readonly delay?: number }) {
      await everyone(proxies(), (proxy) => proxy.drain(order));
    },
    close: () => set.close(),
    stats() {
      const [first, ...others] = proxies().map((proxy) => proxy.stats());
      const all = [first, ...others] as readonly NonNullable<typeof first>[];
      return {
        ...all.reduce(addStats),
        // One tenant that lets nobody in is no reason to send the people of the others elsewhere.
        loginsHeldBack: all.every((each) => each.loginsHeldBack),
        // They share it; one that was just added has not asked yet.
        storeReachable: all.some((each) => each.storeReachable),
      };
    },
  });
}

/** The edge listener is for one tenant; a configuration with both is refused. */
const noEdge = (): EdgeVerdict => ({
  passes: false,
  error: new SessionProxyError("QSP-POLICY", { reason: "an edge is for one tenant" }),
  traceId: traceId(),
});

/** Each tenant hides a subject with a key of its own, so that nobody can follow a person from one to the other. */
function hashesOf(proxies: readonly TenantProxy[], subject: string): string | null {
  const hashes = proxies.flatMap((proxy) => proxy.sessions.hashOf(subject) ?? []);
  return hashes.length === 0 ? null : hashes.join(" ");
}

/** The tenant that the request is for; else every one: a log-out is often a route of the application, which is nobody's. */
async function logout(set: TenantSet, request: IncomingMessage): Promise<void> {
  if (set.by === "claim") {
    const identity = await set.logOut.identify(request);
    if (identity) await set.logOut.logout(identity);
    return;
  }
  const tenant = set.find(request);
  await everyone(tenant ? [tenant] : set.served, ({ proxy }) => proxy.logout(request));
}

/** Whether a request that is for no tenant was meant for one: below the prefix of all of them, by a host of none. */
const isMeant = (set: TenantSet, request: IncomingMessage): boolean =>
  set.by === "host" && isBelow(rawTarget(request), set.served[0].options.prefix);

function refusalOf({ by }: TenantSet, request: IncomingMessage): SessionProxyError {
  if (by !== "host") return unclaimed(request, { prefix: "the prefix of any tenant" });
  const isOne = hostsOf(request).length === 1;
  return new SessionProxyError("QSP-TARGET", {
    status: isOne ? 421 : 400,
    reason: isOne ? "the host is that of no tenant" : "there is not one Host",
  });
}

function attach(set: TenantSet, server: Server, before: readonly Middleware[]): () => void {
  followAnswers();
  const listeners = new WeakMap<TenantProxy, UpgradeListener>();
  const listener: UpgradeListener = (request, stream, head) => {
    const tenant = set.find(request);
    if (tenant === undefined) {
      if (isMeant(set, request) || isLeftToLast(server, listener, request))
        refuseUpgrade(stream as Socket, refusalOf(set, request));
      return;
    }
    const { proxy } = tenant;
    const own = listeners.get(proxy) ?? proxy.upgradeListener(server, before, () => listener);
    listeners.set(proxy, own);
    own(request, stream, head);
  };
  markUpgradeListener(
    listener,
    (request) => set.find(request)?.proxy.takesUpgrade(request) ?? isMeant(set, request),
  );
  return listenForUpgrades(server, listener);
}
