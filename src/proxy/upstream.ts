import * as tls from "node:tls";
import { buildConnector, Pool, type Dispatcher } from "undici";
import { SessionProxyError } from "../errors.ts";
import { decodeRawHeaders } from "../http/raw-headers.ts";
import type { TenantCall } from "../tenant/port.ts";
import { lookupWithLoopback } from "./loopback-lookup.ts";
import { collectAnswer } from "./upstream-answer.ts";
import { toUpstreamError } from "./upstream-error.ts";
import { sendHandshake, type UpgradeAnswer } from "./upstream-handshake.ts";
import type { UpstreamListener, UpstreamRequest } from "./upstream-listener.ts";

/** The way to one tenant. Connections belong to one session key and are never shared with another. rules R12 */
export interface Upstream {
  dispatch(key: string, request: UpstreamRequest, listener: UpstreamListener): void;
  /** Sends a handshake. @throws SessionProxyError */
  connect(
    request: { readonly path: string; readonly headers: readonly string[] },
    signal: AbortSignal,
  ): Promise<UpgradeAnswer>;
  readonly callFor: (key: string) => TenantCall;
  /** Closes the connections of a session that ended. */
  readonly release: (key: string) => void;
  close(): Promise<void>;
}

/** Limits and waits of the way to the tenant; milliseconds and counts. */
export interface UpstreamOptions {
  readonly origin: string;
  /** Extra certificate authority in PEM, beside those that Node trusts. */
  readonly ca: string | undefined;
  readonly timeouts: { readonly connect: number; readonly headers: number; readonly bodyIdle: number };
  readonly perSession: number;
  readonly idle: number;
  /** Most connections of all sessions. */
  readonly total: number;
}

/** A pool without an open connection is forgotten after this. Milliseconds. */
const forgetAfter = 60_000;

/** How long a request waits for a place when every connection is taken. Milliseconds; rules R12 */
const waitForPlace = 2000;

interface Lane {
  readonly pool: Pool;
  connections: number;
  requests: number;
  forget: NodeJS.Timeout | null;
}

/** Creates the way to one tenant, by undici's dispatch for requests and node's own client for upgrades. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { origin, timeouts } = options;
  const { host, protocol } = new URL(origin);
  const trust = protocol === "https:" ? trustOf(options.ca) : {};
  const connector = buildConnector({
    ...trust,
    lookup: lookupWithLoopback,
    timeout: timeouts.connect,
    keepAlive: true,
    maxCachedSessions: 10,
  });
  const lanes = new Map<string, Lane>();
  const waiting = new Set<() => void>();
  let connections = 0;

  const open = (key: string): Lane => {
    const pool = new Pool(origin, {
      connections: options.perSession,
      pipelining: 1,
      keepAliveTimeout: options.idle,
      keepAliveMaxTimeout: options.idle,
      headersTimeout: timeouts.headers,
      bodyTimeout: timeouts.bodyIdle,
      connect: connector,
    });
    const lane: Lane = { pool, connections: 0, requests: 0, forget: null };
    pool.on("connect", () => {
      lane.connections += 1;
      connections += 1;
    });
    pool.on("disconnect", () => {
      lane.connections -= 1;
      connections -= 1;
      for (const wake of waiting) wake();
    });
    lanes.set(key, lane);
    return lane;
  };

  const settle = (key: string, lane: Lane): void => {
    lane.requests -= 1;
    if (lane.requests > 0 || lanes.get(key) !== lane) return;
    lane.forget = setTimeout(() => close(key), forgetAfter);
    lane.forget.unref();
  };

  const close = (key: string): void => {
    const lane = lanes.get(key);
    if (!lane) return;
    lanes.delete(key);
    if (lane.forget) clearTimeout(lane.forget);
    lane.pool.close().catch(() => lane.pool.destroy().catch(() => {}));
  };

  /** Room for one more connection: at once, or after another session's was closed. */
  const room = async (): Promise<void> => {
    if (connections < options.total) return;
    const deadline = Date.now() + waitForPlace;
    while (connections >= options.total) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new SessionProxyError("QSP-BUSY", { retryAfter: 1, reason: "upstream.total is reached" });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  };

  const send = (key: string, request: UpstreamRequest, listener: UpstreamListener): void => {
    const lane = lanes.get(key) ?? open(key);
    if (lane.forget) clearTimeout(lane.forget);
    lane.forget = null;
    lane.requests += 1;
    let settled = false;
    const settleOnce = (): void => {
      if (settled) return;
      settled = true;
      settle(key, lane);
    };
    lane.pool.dispatch(dispatchOptions(origin, host, request), toHandler(listener, settleOnce));
  };

  const dispatch = (key: string, request: UpstreamRequest, listener: UpstreamListener): void => {
    const lane = lanes.get(key);
    if (connections < options.total || (lane && lane.connections > 0)) {
      send(key, request, listener);
      return;
    }
    room().then(
      () => send(key, request, listener),
      (error: unknown) => listener.failed(toUpstreamError(error)),
    );
  };

  return {
    dispatch,
    release: close,
    callFor: (key) => (request) =>
      collectAnswer(request.timeout, (listener) =>
        dispatch(
          key,
          {
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: null,
            contentLength: request.method === "POST" ? 0 : undefined,
          },
          listener,
        ),
      ),
    connect: (request, signal) =>
      sendHandshake({
        origin,
        path: request.path,
        headers: ["host", host, ...request.headers],
        trust,
        timeouts,
        signal,
      }),
    async close() {
      const pools = [...lanes.values()];
      for (const lane of pools) if (lane.forget) clearTimeout(lane.forget);
      lanes.clear();
      await Promise.all(pools.map(({ pool }) => pool.destroy()));
    },
  };
}

/** One context for all connections; verification cannot be switched off, only extended by an authority. */
function trustOf(ca: string | undefined): { secureContext: tls.SecureContext; rejectUnauthorized: true } {
  const secureContext = tls.createSecureContext(
    ca === undefined ? {} : { ca: [...tls.rootCertificates, ca] },
  );
  return { secureContext, rejectUnauthorized: true };
}

function dispatchOptions(origin: string, host: string, request: UpstreamRequest): Dispatcher.DispatchOptions {
  const headers = ["host", host, ...request.headers];
  if (request.contentLength !== undefined) headers.push("content-length", String(request.contentLength));
  return {
    origin,
    path: request.path,
    method: request.method as Dispatcher.HttpMethod,
    headers,
    body: (request.body as Dispatcher.DispatchOptions["body"]) ?? null,
    // Ours is decided by the time-out and the retry rules, not by what undici takes for idempotent.
    idempotent: false,
    blocking: false,
  };
}

/** undici's raw handler: raw header buffers in, no header object is ever built. */
function toHandler(listener: UpstreamListener, settle: () => void): Dispatcher.DispatchHandler {
  let abortNow: (() => void) | null = null;
  return {
    onConnect(abort: (error?: Error) => void) {
      abortNow = () => abort(new SessionProxyError("QSP-UPSTREAM", { reason: "aborted by the proxy" }));
      listener.started(abortNow);
    },
    onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
      if (status >= 100 && status < 200) return true;
      // A status below 100 cannot be passed on: writeHead would throw.
      if (status < 100 || status > 599) {
        abortNow?.();
        return false;
      }
      return listener.head(status, decodeRawHeaders(headers), resume);
    },
    onData: (chunk: Buffer): boolean => listener.data(chunk),
    onComplete() {
      settle();
      listener.finished();
    },
    onError(error: Error) {
      settle();
      listener.failed(toUpstreamError(error));
    },
  } as Dispatcher.DispatchHandler;
}
