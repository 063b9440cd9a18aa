import type { KeyObject } from "node:crypto";
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from "jose";
import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { ask, readObject } from "./ask.ts";
import { type PublicKey, signatureAlgorithms } from "./public-key.ts";

/** The keys that tokens are checked with. */
export interface KeySet {
  readonly algorithms: readonly string[];
  /** Another number after every change: what was checked before then is checked again. Sees to it that changes are noticed. */
  version(): number;
  /** The key of a token. @throws SessionProxyError `QSP-IDENTITY` 503, jose's errors */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<FoundKey>;
}

/** A key, and the version of the keys that it is one of. */
export interface FoundKey {
  readonly key: CryptoKey | KeyObject;
  readonly version: number;
}

/** One key that does not change while the process runs. */
export const createFixedKeySet = ({ key, algorithms }: PublicKey): KeySet => ({
  algorithms,
  version: () => 0,
  find: async () => ({ key, version: 0 }),
});

/** What a published key set is read with. Milliseconds. */
export interface KeySetOptions {
  /** Where the operator wrote the address, for the log. */
  readonly name: string;
  readonly url: URL;
  readonly clock: Clock;
  /** Between two questions for a key that is not known: made-up key ids do not become a flood at the provider. */
  readonly cooldown: number;
  readonly timeout?: number;
}

/** Keys are read again after this, in the background. */
const freshFor = 10 * 60_000;

/** Keys that could not be read again for so long count no more. */
const mostAge = 24 * 60 * 60_000;

/** After a failure the provider is asked again after this at the earliest. */
const retryAfter = 1000;

const usualTimeout = 5000;

/** A provider with a hundred RSA keys has some 60 KiB. */
const mostBytes = 256 * 1024;

/** The keys that a provider publishes, as they change. One question at a time, however many wait. */
export function createRemoteKeySet(options: KeySetOptions): KeySet {
  return new RemoteKeySet(options);
}

/** Keys that are too old have no version, so that nothing that they said is taken for true. */
const noVersion = -1;

type Find = ReturnType<typeof createLocalJWKSet>;

class RemoteKeySet implements KeySet {
  readonly algorithms = signatureAlgorithms;
  readonly #options: KeySetOptions;
  #find: Find | null = null;
  #version = 0;
  #text = "";
  #readAt = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #unknownAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  version(): number {
    const age = this.#options.clock.now() - this.#readAt;
    if (this.#find !== null && age > freshFor) void this.#read();
    return age < mostAge ? this.#version : noVersion;
  }

  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<FoundKey> {
    const find = await this.#current();
    const version = this.#version;
    try {
      return { key: await find(header, token), version };
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#lookForUnknown();
      if (this.#failedAt >= this.#readAt) throw this.#unreachable();
      if (this.#find === find || this.#find === null) throw error;
      const newer = this.#version;
      return { key: await this.#find(header, token), version: newer };
    }
  }

  /** The keys that count now. Waits only where there are none. */
  async #current(): Promise<Find> {
    if (this.version() === noVersion) this.#find = null;
    if (this.#find === null) await this.#read();
    if (this.#find === null) throw this.#unreachable();
    return this.#find;
  }

  /** A provider that has a new key is asked for it; once in a while, because anybody can write any key id. */
  async #lookForUnknown(): Promise<void> {
    const now = this.#options.clock.now();
    if (this.#reading === null && now < this.#unknownAt + this.#options.cooldown) return;
    if (this.#reading === null) this.#unknownAt = now;
    await this.#read();
  }

  /** Never rejects: the keys from before stay as they are. */
  #read(): Promise<void> {
    const now = this.#options.clock.now();
    const pause = Math.min(retryAfter, this.#options.cooldown);
    if (this.#reading === null && now < this.#failedAt + pause) return Promise.resolve();
    this.#reading ??= this.#readNow().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    const { url, name, clock, timeout = usualTimeout } = this.#options;
    const startedAt = clock.now();
    try {
      const answer = await ask({ url, headers: ["accept", "application/json"], timeout, mostBytes });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      const read = readObject(answer);
      if ("problem" in read) throw new Error(read.problem);
      // Keys that had grown too old are gone, also where the provider still has the same ones.
      if (this.#find === null || answer.body !== this.#text) this.#take(read.object, answer.body);
      this.#readAt = startedAt;
    } catch (error) {
      this.#failedAt = clock.now();
      const reason = error instanceof Error ? error.message : "no answer";
      publish("policy", () => ({
        event: "keys.failed",
        level: "warn",
        reason: `${name}: ${reason}; ${this.#find === null ? "nobody can sign in" : "the last keys are used on"}`,
      }));
    }
  }

  #take(object: Readonly<Record<string, unknown>>, text: string): void {
    try {
      this.#find = createLocalJWKSet(object as unknown as JSONWebKeySet);
    } catch {
      throw new Error("JSON that is not a set of keys");
    }
    this.#text = text;
    this.#version += 1;
    publish("policy", () => ({ event: "keys.changed", reason: this.#options.name }));
  }

  #unreachable(): SessionProxyError {
    const reason = `the keys of ${this.#options.name} cannot be read; see keys.failed`;
    return new SessionProxyError("QSP-IDENTITY", { status: 503, reason });
  }
}
