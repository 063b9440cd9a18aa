import { systemClock } from "../kernel/clock.ts";
import type { RedisCalls } from "./redis-calls.ts";
import type { RedisClient } from "./redis-client.ts";

/** An own message comes back within a round trip or two; after so long without it we are deaf. Milliseconds. */
const longestEcho = 3000;

/** A connection that listens and has never heard anything is made anew after this. Milliseconds. */
const longestStart = 10_000;

/**
 * The one channel of a store: one connection listens for all listeners.
 *
 * A connection can be dead and look alive, or hang on a server that the others have left. Own messages come back on it;
 * where they do not, it is made anew. Who publishes nothing notices nothing, but beats are published all the time.
 */
export class RedisChannel {
  readonly #client: RedisClient;
  readonly #calls: RedisCalls;
  readonly #name: string;
  readonly #listeners = new Set<{ readonly hear: (message: string) => void }>();
  #stop: (() => void) | null = null;
  /** The oldest own message that was sent and not heard. */
  #unheard: { readonly message: string; readonly since: number } | null = null;
  /** Since when this connection listens, and whether it has heard anything; before that nothing is missing. */
  #listensSince = 0;
  #isHearing = false;

  constructor(client: RedisClient, calls: RedisCalls, name: string) {
    this.#client = client;
    this.#calls = calls;
    this.#name = name;
  }

  async publish(message: string): Promise<void> {
    if (this.#stop) this.#expectEcho(message);
    try {
      await this.#calls.run(() => this.#client.publish(this.#name, message));
    } catch (error) {
      if (this.#unheard?.message === message) this.#unheard = null;
      throw error;
    }
  }

  subscribe(hear: (message: string) => void): () => void {
    const listener = { hear };
    this.#listeners.add(listener);
    this.#stop ??= this.#listen();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#stop?.();
    this.#stop = null;
    this.#unheard = null;
  }

  #listen(): () => void {
    this.#listensSince = systemClock.now();
    this.#isHearing = false;
    return this.#client.subscribe(this.#name, (message) => {
      this.#isHearing = true;
      if (message === this.#unheard?.message) this.#unheard = null;
      for (const { hear } of this.#listeners) hear(message);
    });
  }

  #expectEcho(message: string): void {
    const now = systemClock.now();
    const isDeaf = this.#isHearing
      ? this.#unheard !== null && now - this.#unheard.since > longestEcho
      : now - this.#listensSince > longestStart;
    if (isDeaf) {
      this.#unheard = null;
      this.#stop?.();
      this.#stop = this.#listen();
    }
    // What was sent before the connection was ready is not heard on it.
    if (this.#isHearing) this.#unheard ??= { message, since: now };
  }
}
