import { SessionProxyError } from "../errors.ts";
import type { MakeClient, UpstreamClient } from "./upstream-client.ts";

/** One connection to the tenant, of one lane. */
export interface Connection {
  readonly client: UpstreamClient;
  /** Gives the connection back when its exchange is over. */
  release(): void;
}

/** Who waits for a connection. */
export interface Waiter {
  ready(connection: Connection): void;
  refused(error: SessionProxyError): void;
}

/** What has gone over all connections so far. */
export interface LaneStats {
  /** Open connections, and those being opened. */
  readonly connections: number;
  /** Connections that were opened. */
  readonly opened: number;
  /** Requests that were given a connection; the share of them that found one open is 1 - opened / requests. */
  readonly requests: number;
}

/** How many connections there may be, and how long one waits for one; milliseconds and counts. rules R12 */
export interface LaneLimits {
  /** Of all lanes, in use or not. */
  readonly total: number;
  /** Of all lanes, not in use. */
  readonly idleTotal: number;
  /** How long an exchange waits for a connection of its own lane. */
  readonly laneWait: number;
}

/** How long an exchange waits when all connections of all lanes are in use. Milliseconds; rules R12 */
const totalWait = 2000;

/**
 * Hands out connections. Each belongs to one lane, one session's or the one for static files, and never to another; the
 * connection used last is used next, and the one unused longest gives way when there are too many.
 */
export class Lanes {
  readonly #limits: LaneLimits;
  readonly #makeClient: MakeClient;
  readonly #lanes = new Map<string, Lane>();
  /** In the order in which they became idle: the first is the one unused longest. */
  readonly #idle = new Set<Track>();
  readonly #tracks = new Set<Track>();
  readonly #waiting = new Set<() => boolean>();
  /** Of all who wait, for whatever. */
  readonly #refusals = new Set<(error: SessionProxyError) => void>();
  #isClosed = false;
  #opened = 0;
  #requests = 0;

  constructor(limits: LaneLimits, makeClient: MakeClient) {
    this.#limits = limits;
    this.#makeClient = makeClient;
  }

  /** Open connections, and those being opened. */
  get count(): number {
    return this.#tracks.size;
  }

  stats(): LaneStats {
    return { connections: this.count, opened: this.#opened, requests: this.#requests };
  }

  /** Gives the waiter a connection of a lane now or later; the returned function withdraws the wish. */
  acquire(key: string, width: number, waiter: Waiter): () => void {
    if (this.#isClosed) {
      waiter.refused(closed());
      return () => {};
    }
    const lane = this.#lanes.get(key) ?? { key, width, count: 0, waiters: 0, idle: [], waiting: new Set() };
    this.#lanes.set(key, lane);
    const attempt = (): boolean => this.#serve(lane, waiter);
    if (attempt()) return () => {};
    const isFull = lane.count >= lane.width;
    const queue = isFull ? lane.waiting : this.#waiting;
    lane.waiters += 1;
    const withdraw = (): void => {
      if (!queue.delete(served)) return;
      clearTimeout(timer);
      this.#refusals.delete(refuse);
      lane.waiters -= 1;
      this.#forget(lane);
    };
    const refuse = (error: SessionProxyError): void => {
      withdraw();
      waiter.refused(error);
    };
    const timer = setTimeout(
      () => refuse(isFull ? noneOfLane() : noneAtAll()),
      isFull ? this.#limits.laneWait : totalWait,
    );
    const served = (): boolean => {
      if (!attempt()) return false;
      withdraw();
      return true;
    };
    queue.add(served);
    this.#refusals.add(refuse);
    return withdraw;
  }

  /** Closes a lane: idle connections now, those in use after their exchange. */
  close(key: string): void {
    const lane = this.#lanes.get(key);
    if (!lane) return;
    this.#lanes.delete(key);
    for (let track = lane.idle.at(-1); track; track = lane.idle.at(-1)) this.#discard(track);
    this.#wake(lane);
  }

  /** Ends every connection, and every wait for one, at once. */
  async destroy(): Promise<void> {
    this.#isClosed = true;
    for (const refuse of this.#refusals) refuse(closed());
    this.#lanes.clear();
    const tracks = [...this.#tracks];
    await Promise.all(tracks.map(({ client }) => client.destroy()));
  }

  #serve(lane: Lane, waiter: Waiter): boolean {
    const track = lane.idle.pop() ?? this.#open(lane);
    if (!track) return false;
    this.#idle.delete(track);
    this.#requests += 1;
    let isOver = false;
    waiter.ready({
      client: track.client,
      release: () => {
        if (isOver) return;
        isOver = true;
        this.#release(track);
      },
    });
    return true;
  }

  #open(lane: Lane): Track | undefined {
    if (lane.count >= lane.width) return undefined;
    if (this.count >= this.#limits.total) {
      const [oldest] = this.#idle;
      if (oldest) this.#discard(oldest);
    }
    if (this.count >= this.#limits.total) return undefined;
    const client = this.#makeClient({
      opened: () => {
        track.isGone = false;
        this.#opened += 1;
      },
      gone: () => {
        track.isGone = true;
        if (this.#idle.has(track)) this.#discard(track);
      },
    });
    const track: Track = { client, lane, isGone: false };
    lane.count += 1;
    this.#tracks.add(track);
    return track;
  }

  #release(track: Track): void {
    const { lane } = track;
    if (track.isGone || this.#lanes.get(lane.key) !== lane) {
      this.#discard(track);
    } else {
      lane.idle.push(track);
      this.#idle.add(track);
    }
    this.#wake(lane);
    if (this.#idle.size <= this.#limits.idleTotal) return;
    const [oldest] = this.#idle;
    if (oldest) this.#discard(oldest);
  }

  /** The lane's own waiters first; then one that waits for any place. */
  #wake(lane: Lane): void {
    if (lane.waiting.size > 0) serveFrom(lane.waiting);
    if (this.#waiting.size > 0) serveFrom(this.#waiting);
  }

  /** A lane that nobody has or waits for is made anew when it is needed. */
  #forget(lane: Lane): void {
    if (lane.count > 0 || lane.waiters > 0 || this.#lanes.get(lane.key) !== lane) return;
    this.#lanes.delete(lane.key);
  }

  #discard(track: Track): void {
    if (!this.#tracks.delete(track)) return;
    const { lane } = track;
    if (this.#idle.delete(track)) lane.idle.splice(lane.idle.indexOf(track), 1);
    lane.count -= 1;
    this.#forget(lane);
    // What it still carries was given up by its exchange.
    track.client.destroy().catch(() => {});
  }
}

function serveFrom(queue: ReadonlySet<() => boolean>): void {
  for (const served of queue) if (!served()) return;
}

interface Lane {
  readonly key: string;
  /** Most connections of the lane. */
  readonly width: number;
  /** Its connections, in use or not. */
  count: number;
  /** Who waits for one, here or for a place among all. */
  waiters: number;
  /** Those not in use; the last one was used last, and is used next. */
  readonly idle: Track[];
  readonly waiting: Set<() => boolean>;
}

interface Track {
  readonly client: UpstreamClient;
  readonly lane: Lane;
  /** Whether the tenant or we closed it. */
  isGone: boolean;
}

const closed = (): SessionProxyError =>
  new SessionProxyError("QSP-BUSY", { retryAfter: 0, reason: "the proxy is closed" });

const noneOfLane = (): SessionProxyError =>
  new SessionProxyError("QSP-TIMEOUT", { reason: "no connection of the session became free" });

const noneAtAll = (): SessionProxyError =>
  new SessionProxyError("QSP-BUSY", { retryAfter: 1, reason: "upstream.total is reached" });
