import type { SessionProxyError } from "../../src/errors.ts";
import type { UpstreamRequest } from "../../src/upstream/listener.ts";
import { createUpstream, type Upstream, type UpstreamOptions } from "../../src/upstream/upstream.ts";

/** Every implementation; what is promised of one is promised of all. */
export const clients = ["undici", "own"] as const;

export type ClientName = (typeof clients)[number];

/** A way to the tenant with short waits and one connection at a time. */
export function wayTo(
  client: ClientName,
  origin: string,
  options: Partial<Omit<UpstreamOptions, "client" | "origin">> = {},
): Upstream {
  return createUpstream({
    origin,
    client,
    ca: undefined,
    perSession: 1,
    idle: 5000,
    idleTotal: 10,
    total: 10,
    ...options,
    timeouts: { connect: 2000, headers: 5000, bodyIdle: 5000, ...options.timeouts },
  });
}

/** What a listener has heard so far. */
export interface Heard {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  /** In their order: "started", "head", "data", "finished", "failed". */
  readonly events: readonly string[];
  readonly error: SessionProxyError | null;
  /** Resolves with this when the exchange is over. */
  readonly over: Promise<Heard>;
  /** Resolves when something has been heard that satisfies. */
  until(satisfies: (heard: Heard) => boolean): Promise<void>;
  abort(): void;
  resume(): void;
}

/** How a listener behaves. */
export interface ListenerOptions {
  readonly lane?: string;
  /** Whether it asks the tenant to wait, after so many bytes. */
  readonly waits?: (bytes: number) => boolean;
  /** Called in the middle of what is told. */
  readonly on?: (event: string, heard: Heard) => void;
}

/** Sends a request; GET / without a body if nothing is said. */
export function dispatch(
  way: Upstream,
  request: Partial<UpstreamRequest> = {},
  { lane = "ann", waits = () => false, on = () => {} }: ListenerOptions = {},
): Heard {
  const looks = new Set<() => void>();
  const events: string[] = [];
  const chunks: Buffer[] = [];
  let bytes = 0;
  let [abort, resume] = [(): void => {}, (): void => {}];
  let settle!: (heard: Heard) => void;
  const over = new Promise<Heard>((resolve) => {
    settle = resolve;
  });
  const heard = {
    status: 0,
    headers: [] as readonly string[],
    get body() {
      return Buffer.concat(chunks).toString("latin1");
    },
    events,
    error: null as SessionProxyError | null,
    over,
    abort: () => abort(),
    resume: () => resume(),
    until: (satisfies: (heard: Heard) => boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!satisfies(heard)) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
  };
  const tell = (event: string): void => {
    events.push(event);
    on(event, heard);
    for (const look of looks) look();
  };
  const full: UpstreamRequest = {
    method: "GET",
    path: "/",
    headers: [],
    body: null,
    contentLength: undefined,
    ...request,
  };
  way.dispatch(lane, full, {
    started(stop) {
      abort = stop;
      tell("started");
    },
    head(status, headers, goOn) {
      Object.assign(heard, { status, headers });
      resume = goOn;
      tell("head");
      return !waits(0);
    },
    data(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      tell("data");
      return !waits(bytes);
    },
    finished() {
      tell("finished");
      settle(heard);
    },
    failed(error) {
      heard.error = error;
      tell("failed");
      settle(heard);
    },
  });
  return heard;
}

/** What became of an exchange, in a word: status and body, or the code of the failure and what was told before it. */
export function outcomeOf({ status, body, error }: Heard): string {
  if (error === null) return `${status} ${body}`;
  return status === 0 ? error.code : `${error.code} after ${status} ${body}`;
}

/** A body in these pieces. */
export async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text, "latin1");
}
