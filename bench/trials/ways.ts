import { readFileSync } from "node:fs";
import * as http2 from "node:http2";
import { Client } from "undici";
import { trustOf } from "../../src/upstream/trust.ts";
import { createUpstream } from "../../src/upstream/upstream.ts";
import { browserHeaders, credential, userName } from "../site.ts";

/** A way to the tenant: one GET of one person, read to its end. Nobody's connection is used for another. */
export type Way = (person: string, path: string) => Promise<void>;

/** Where they all go. */
export interface Goal {
  readonly origin: string;
  readonly caFile: string;
}

/** Milliseconds that an unused connection is kept, and how often it is looked for; as in the product. rules R12 */
const idle = 5000;
const sweepEvery = 500;

/** Of HTTP/2 on one connection: undici sends one after the other unless it is told. */
const mostStreams = 100;

/** Names and values in turn: what the product sends of a browser's request, and the tenant's cookies. */
const headersOfRequest: readonly string[] = [
  ...browserHeaders(userName(0)).filter(([name]) => !/^(?:host|cookie|x-user-sub)$/i.test(name)),
  ["Cookie", credential],
].flat();

const limits = {
  timeouts: { connect: 5000, headers: 60_000, bodyIdle: 60_000 },
  perSession: 6,
  idle,
  idleTotal: 1024,
  total: 4096,
} as const;

/** The product's own way over HTTP/1.1, with one of its clients. */
function productWay({ origin, caFile }: Goal, client: "undici" | "own"): Way {
  const ca = readFileSync(caFile, "utf8");
  const upstream = createUpstream({ origin, ca, ...limits, client });
  return (person, path) =>
    new Promise((resolve, reject) => {
      let answered = 0;
      upstream.dispatch(
        person,
        { method: "GET", path, headers: headersOfRequest, body: null, contentLength: undefined },
        {
          started: () => {},
          head(status) {
            answered = status;
            return true;
          },
          data: () => true,
          finished: () => (answered === 200 ? resolve() : reject(notGood(path, answered))),
          failed: reject,
        },
      );
    });
}

const notGood = (path: string, status: number): Error => new Error(`${path} is answered ${status}`);

/** One connection for each person, closed when it was not used for a while. */
class OnePerPerson<Connection> {
  readonly #made = new Map<string, { connection: Connection; underWay: number; usedAt: number }>();
  readonly #make: () => Connection;
  readonly #close: (connection: Connection) => void;

  constructor(make: () => Connection, close: (connection: Connection) => void) {
    this.#make = make;
    this.#close = close;
    setInterval(() => this.#sweep(), sweepEvery).unref();
  }

  async use(person: string, work: (connection: Connection) => Promise<void>): Promise<void> {
    const entry = this.#made.get(person) ?? { connection: this.#make(), underWay: 0, usedAt: 0 };
    this.#made.set(person, entry);
    entry.underWay += 1;
    try {
      await work(entry.connection);
    } finally {
      entry.underWay -= 1;
      entry.usedAt = performance.now();
    }
  }

  #sweep(): void {
    for (const [person, { connection, underWay, usedAt }] of this.#made) {
      if (underWay > 0 || performance.now() - usedAt < idle) continue;
      this.#made.delete(person);
      this.#close(connection);
    }
  }
}

/** Names and values in turn as the object that HTTP/2 wants; made anew each time, as each request has others. */
function asObject(flat: readonly string[], path: string): http2.OutgoingHttpHeaders {
  const headers: http2.OutgoingHttpHeaders = { ":method": "GET", ":path": path };
  for (let index = 0; index < flat.length; index += 2)
    headers[(flat[index] ?? "").toLowerCase()] = flat[index + 1];
  return headers;
}

/** node:http2, one session for each person. */
function nodeWay({ origin, caFile }: Goal): Way {
  const trust = trustOf(origin, readFileSync(caFile, "utf8"));
  const sessions = new OnePerPerson(
    () => {
      const session = http2.connect(origin, { ...trust, settings: { enablePush: false } });
      session.on("error", () => {});
      return session;
    },
    (session) => session.close(),
  );
  return (person, path) =>
    sessions.use(
      person,
      (session) =>
        new Promise((resolve, reject) => {
          const stream = session.request(asObject(headersOfRequest, path), { endStream: true });
          let answered = 0;
          stream.on("response", ({ ":status": status }) => (answered = status ?? 0));
          stream.on("error", reject);
          stream.on("end", () => (answered === 200 ? resolve() : reject(notGood(path, answered))));
          stream.resume();
        }),
    );
}

/** undici with HTTP/2, one client for each person. */
function undiciWay({ origin, caFile }: Goal): Way {
  const connect = trustOf(origin, readFileSync(caFile, "utf8"));
  const clients = new OnePerPerson(
    () => new Client(origin, { allowH2: true, connect, keepAliveTimeout: idle, pipelining: mostStreams }),
    (client) => void client.destroy(),
  );
  return (person, path) =>
    clients.use(person, async (client) => {
      const { statusCode, body } = await client.request({
        method: "GET",
        path,
        headers: [...headersOfRequest],
      });
      await body.dump();
      if (statusCode !== 200) throw notGood(path, statusCode);
    });
}

/** All of them, by name. */
export const ways: Readonly<Record<string, (goal: Goal) => Way>> = {
  "undici, HTTP/1.1": (goal) => productWay(goal, "undici"),
  "own, HTTP/1.1": (goal) => productWay(goal, "own"),
  "node:http2": nodeWay,
  "undici, HTTP/2": undiciWay,
};
