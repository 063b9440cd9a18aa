import { channel } from "node:diagnostics_channel";
import { buildConnector, Client, type Dispatcher } from "undici";
import { decodeRawHeaders } from "../http/raw-headers.ts";
import type { UpstreamListener, UpstreamRequest } from "./listener.ts";
import { lookupWithLoopback } from "./loopback-lookup.ts";
import type { ClientOptions, MakeClient } from "./upstream-client.ts";
import { aborted, toUpstreamError } from "./upstream-error.ts";

/** Clients of undici: each a connection, opened again where it was lost. */
export function undiciClients(options: ClientOptions): MakeClient {
  const { origin, trust, timeouts, idle } = options;
  const { host } = new URL(origin);
  const connect = buildConnector({
    ...trust,
    lookup: lookupWithLoopback,
    timeout: timeouts.connect,
    keepAlive: true,
    maxCachedSessions: 10,
  });
  return ({ opened, gone }) => {
    const client = new Client(origin, {
      connect,
      pipelining: 1,
      keepAliveTimeout: idle,
      keepAliveMaxTimeout: idle,
      headersTimeout: timeouts.headers,
      bodyTimeout: timeouts.bodyIdle,
    });
    client.on("connect", opened);
    client.on("disconnect", gone);
    client.on("connectionError", gone);
    return {
      get destroyed() {
        return client.destroyed;
      },
      dispatch(request, listener, over) {
        client.dispatch(dispatchOptions({ origin, host }, request), toHandler(listener, over));
      },
      destroy: () => client.destroy(),
    };
  };
}

function dispatchOptions(
  { origin, host }: { readonly origin: string; readonly host: string },
  request: UpstreamRequest,
): Dispatcher.DispatchOptions {
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

/** Where undici tells of every piece of every answer, before it hands it over. */
const heard = channel("undici:request:bodyChunkReceived");

/** undici's raw handler: raw header buffers in, no header object is ever built. */
function toHandler(listener: UpstreamListener, over: () => void): Dispatcher.DispatchHandler {
  let abortNow: (() => void) | null = null;
  let hasNoBody = false;
  // The client has not put the exchange away yet when it tells of its end.
  const settle = (): void => process.nextTick(over);
  return {
    onConnect(abort: (error?: Error) => void) {
      abortNow = () => abort(aborted());
      listener.started(abortNow);
    },
    onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
      if (status >= 100 && status < 200) return true;
      // A status below 100 cannot be passed on: writeHead would throw.
      if (status < 100 || status > 599) {
        abortNow?.();
        return false;
      }
      hasNoBody = status === 204 || status === 304;
      return listener.head(status, decodeRawHeaders(headers), resume);
    },
    // Who listens may keep it, and the memory of what is passed on is returned when it has gone out.
    onData: (chunk: Buffer): boolean => listener.data(heard.hasSubscribers ? Buffer.from(chunk) : chunk),
    onComplete() {
      settle();
      listener.finished();
    },
    onError(error: Error) {
      settle();
      // These end with their heads; undici misses the body whose length they may name.
      if (hasNoBody && codeOf(error) === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") listener.finished();
      else listener.failed(toUpstreamError(error));
    },
  } as Dispatcher.DispatchHandler;
}

const codeOf = (error: Error): unknown => (error as { code?: unknown }).code;
