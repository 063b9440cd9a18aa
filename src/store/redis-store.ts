import { systemClock } from "../kernel/clock.ts";
import { randomId } from "../kernel/random.ts";
import { RedisCalls } from "./redis-calls.ts";
import { RedisChannel } from "./redis-channel.ts";
import type { RedisClient } from "./redis-client.ts";
import { keyScript, readScript, writeScript } from "./redis-scripts.ts";
import { oldestReading, type SessionStore, type StoredDocument, type WriteOutcome } from "./session-store.ts";

/** How a store uses its server. */
export interface RedisStoreOptions {
  /** What every key and the channel begin with; "qsp:" by default. Who shares it shares the sessions. */
  readonly prefix?: string;
  /** How long an answer of the server may take. Milliseconds, 1 or more; 500 by default. */
  readonly timeout?: number;
}

/** Names that a list holds at most; those beyond are left out. */
const mostNames = 100_000;

/** How long a list may take: the server may hold millions of keys that are not ours. Milliseconds. */
const longestList = 20_000;

/**
 * Creates a store in Redis or Valkey, for every node that names the same server and prefix. The client is made by
 * `fromIoredis` or `fromNodeRedis`, or is a few lines of your own. Needs Redis 6.2 or newer, or Valkey.
 *
 * A user of the server needs `+eval +hmget +hset +hdel +pexpire +time +scan +publish +subscribe`, keys `~qsp:*` and
 * channels `&qsp:*`.
 */
export function createRedisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const { prefix = "qsp:", timeout = 500 } = options;
  const calls = new RedisCalls(timeout, () => client.trouble?.());
  const channel = new RedisChannel(client, calls, `${prefix}bus`);
  const run = (script: string, key: string, args: readonly string[]): Promise<readonly unknown[]> =>
    calls.run(async () => fields(await client.eval(script, [key], args)));
  let closing: Promise<void> | undefined;
  return {
    reach: "nodes",
    async read(name): Promise<StoredDocument> {
      const [version, value, now] = await run(readScript, prefix + name, []);
      return {
        version: version === null ? 0 : whole(version),
        value: value === null ? null : text(value),
        now: whole(now),
      };
    },
    async write(name, { version, readAt, value, keepFor }): Promise<WriteOutcome> {
      const numbers = [version, readAt, oldestReading].map(String);
      const args = [randomId(9), ...numbers, value, String(Math.ceil(keepFor))];
      const [written, now] = await run(writeScript, prefix + name, args);
      return { written: whole(written) === 1, now: whole(now) };
    },
    async names(begin): Promise<readonly string[]> {
      const key = text(await calls.run(() => client.eval(keyScript, [prefix], [])));
      const keys = await listKeys(client, calls, `${escapeGlob(key + begin)}*`);
      return keys.map((each) => each.slice(key.length));
    },
    publish: (message) => channel.publish(message),
    subscribe: (listener) => (closing ? () => {} : channel.subscribe(listener)),
    close() {
      closing ??= (async () => {
        channel.close();
        await calls.close();
        await client.close?.();
      })();
      return closing;
    },
  };
}

async function listKeys(client: RedisClient, calls: RedisCalls, pattern: string): Promise<readonly string[]> {
  const end = systemClock.now() + longestList;
  const found = new Set<string>();
  const pages = client.scan(pattern)[Symbol.asyncIterator]();
  while (found.size < mostNames) {
    const { done, value } = await calls.run(() => pages.next());
    if (done === true) break;
    for (const key of value) found.add(key);
    if (systemClock.now() > end) throw new Error(`Redis has not listed its keys within ${longestList} ms`);
  }
  return [...found].slice(0, mostNames).sort();
}

/** Makes a text stand for itself in a pattern of `SCAN`. */
const escapeGlob = (text: string): string => text.replace(/[\\*?[\]^]/g, "\\$&");

const strange = (): Error => new Error("Redis answered a script with something else than it says");

function fields(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw strange();
  return reply;
}

/** A text of an answer; clients give it as text or as bytes, as they are set up. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (Buffer.isBuffer(value)) return value.toString();
  throw strange();
}

/** A whole number of an answer; clients give it as a number or as text. */
function whole(value: unknown): number {
  const number = typeof value === "number" ? value : Number(text(value));
  if (!Number.isSafeInteger(number)) throw strange();
  return number;
}
