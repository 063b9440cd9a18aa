import type { TenantCall, TenantRequest } from "../tenant/port.ts";
import { collectAnswer } from "./collect-answer.ts";
import { http1Clients } from "./http1/http1-client.ts";
import { Lanes, type LaneStats } from "./lanes.ts";
import type { UpstreamListener, UpstreamRequest } from "./listener.ts";
import { handshakeSender, type SendHandshake } from "./send-handshake.ts";
import { trustOf } from "./trust.ts";
import { aborted } from "./upstream-error.ts";
import { undiciClients } from "./undici-client.ts";

/** The way to one tenant. Connections belong to one lane and are never used by another. rules R12 */
export interface Upstream {
  /** Sends a request; `lane` is a session key, or {@link staticLane}. */
  dispatch(lane: string, request: UpstreamRequest, listener: UpstreamListener): void;
  /** Sends a handshake. @throws SessionProxyError */
  readonly connect: SendHandshake;
  /** The proxy's own calls for a session, which never wait behind the user's. */
  readonly callFor: (key: string) => TenantCall;
  /** Closes the connections of a session that ended. */
  readonly release: (key: string) => void;
  /** What has gone over the connections so far; handshakes have their own and are not counted. */
  stats(): LaneStats;
  /** Ends everything that is under way, handshakes too. */
  close(): Promise<void>;
}

/** Limits and waits of the way to the tenant; milliseconds and counts. */
export interface UpstreamOptions {
  readonly origin: string;
  /** Path at the origin below which everything is; "" by default. */
  readonly base?: string;
  /** Extra certificate authority in PEM, beside those that Node trusts. */
  readonly ca: string | undefined;
  readonly timeouts: { readonly connect: number; readonly headers: number; readonly bodyIdle: number };
  /** Most connections of one session. */
  readonly perSession: number;
  /** How long an unused connection is kept. */
  readonly idle: number;
  readonly idleTotal: number;
  readonly total: number;
  /** Who speaks HTTP/1.1 on them: undici, or our own client. */
  readonly client: "undici" | "own";
}

/** The lane for static files: it carries no cookie and belongs to nobody. */
export const staticLane = "static";

/** Everybody's static files go over these; a page asks for a handful, and slow readers must not stop the others. */
const staticConnections = 64;

/** The proxy's own calls are short, and one after the other is soon enough. */
const ownConnections = 2;

const ownLane = (key: string): string => `${key} own`;

/** Creates the way to one tenant: clients with a connection each for requests, one of its own for each upgrade. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { origin, timeouts, idle, base = "" } = options;
  const at = <Request extends { readonly path: string }>(request: Request): Request =>
    base === "" ? request : { ...request, path: base + request.path };
  const trust = trustOf(origin, options.ca);
  const makeClients = options.client === "own" ? http1Clients : undiciClients;
  const lanes = new Lanes(
    { total: options.total, idleTotal: options.idleTotal, laneWait: timeouts.headers },
    makeClients({ origin, trust, timeouts, idle }),
  );

  const handshakes = handshakeSender({ origin, trust, timeouts });
  const send = (lane: string, width: number, request: UpstreamRequest, listener: UpstreamListener): void => {
    let isServed = false;
    const withdraw = lanes.acquire(lane, width, {
      ready({ client, release }) {
        isServed = true;
        client.dispatch(at(request), listener, release);
      },
      refused: (error) => listener.failed(error),
    });
    if (isServed) return;
    listener.started(() => {
      if (isServed) return;
      withdraw();
      listener.failed(aborted());
    });
  };

  return {
    dispatch: (lane, request, listener) =>
      send(lane, lane === staticLane ? staticConnections : options.perSession, request, listener),
    callFor: (key) => (request) =>
      collectAnswer(request.timeout, (listener) => {
        send(ownLane(key), ownConnections, toOwnRequest(request), listener);
      }),
    connect: (request, caller) => handshakes.send(at(request), caller),
    release(key) {
      lanes.close(key);
      lanes.close(ownLane(key));
    },
    stats: () => lanes.stats(),
    close() {
      handshakes.close();
      return lanes.destroy();
    },
  };
}

function toOwnRequest({ method, path, headers, body }: TenantRequest): UpstreamRequest {
  if (body === undefined) {
    return { method, path, headers, body: null, contentLength: method === "POST" ? 0 : undefined };
  }
  const bytes = Buffer.from(body);
  return { method, path, headers, body: once(bytes), contentLength: bytes.length };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
