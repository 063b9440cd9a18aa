import { randomBytes } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Documents } from "./documents.ts";
import { agreeOnIndexKey, indexNameOf, type IndexKey } from "./index-key.ts";
import { createSessionKeys, type SessionKeys } from "./session-key.ts";

/** What naming needs. */
export interface NamingOptions {
  readonly documents: Documents;
  /** Names the tenant among all that share the store. */
  readonly tenantName: string;
  /** Whether the tenant counts the sessions of a user. */
  readonly countsSessions: boolean;
  /** Whether nobody else uses the names: then there is nothing to agree on. */
  readonly isAlone: boolean;
  /** Whether other nodes may use the same store. */
  readonly hasOthers: boolean;
  readonly clock: Clock;
  /** Tells the other nodes to compare: this one wrote the index key, or finds none. */
  readonly tell: () => void;
  /** The nodes have agreed on another key than this one's: no session at hand has its name any more. */
  readonly rekeyed: () => void;
}

/** Ends that a node keeps in mind, to be done when names are known, and done again when they change; the oldest give way. */
const mostEnds = 10_000;

/** A node that starts over an empty store waits so long for one that knows better. Milliseconds. */
const askFor = 1000;

/** An end of something, by the names of the moment. */
export type NamedEnd = (keys: SessionKeys) => Promise<void>;

/** Knows how sessions are named, by a key that all nodes agree on. rules R1 */
export class Naming {
  readonly #options: NamingOptions;
  readonly #agreeing = createSingleFlight<"index", SessionKeys>();
  /** Ends of this node; those that could not be named yet are marked. */
  readonly #ends: { readonly end: NamedEnd; isNamed: boolean }[] = [];
  #keys: SessionKeys | null;
  #index: IndexKey | null = null;

  constructor(options: NamingOptions) {
    this.#options = options;
    this.#keys = options.isAlone ? this.#keysBy(randomBytes(32)) : null;
  }

  /** The names of sessions; null until the store has said how they are derived. */
  get keys(): SessionKeys | null {
    return this.#keys;
  }

  /** Learns how names are derived. @throws SessionProxyError `QSP-STORE` */
  open(): Promise<SessionKeys> {
    return this.#keys ? Promise.resolve(this.#keys) : this.#agreeing.run("index", () => this.#agree());
  }

  /**
   * Does an end; where names are not known yet, as soon as they are. Nodes that start over an empty store may have to
   * change the names; then the end is done once more, so it has to know its own time.
   *
   * @throws SessionProxyError `QSP-STORE`, also where it will be done later
   */
  async end(end: NamedEnd): Promise<void> {
    const noted = { end, isNamed: false };
    if (!this.#options.isAlone) this.#ends.push(noted);
    if (this.#ends.length > mostEnds) this.#ends.shift();
    const keys = await this.open();
    noted.isNamed = true;
    await end(keys);
  }

  /** Compares the key with the store's, once there is one. @throws SessionProxyError `QSP-STORE` */
  async compare(): Promise<void> {
    // A comparison that is under way may have read before what is to be seen was written.
    if (this.#agreeing.has("index")) await this.#agreeing.run("index", () => this.#agree()).catch(() => {});
    if (this.#index) await this.#agreeing.run("index", () => this.#agree());
  }

  async #agree(): Promise<SessionKeys> {
    const { documents, tenantName, tell, rekeyed } = this.#options;
    const before = this.#index;
    const name = indexNameOf(tenantName);
    if (before === null) await this.#askOthers(name);
    const { isWritten, ...agreed } = await agreeOnIndexKey(documents, name, before);
    // Who made another one meanwhile has to know.
    if (isWritten && before) tell();
    if (this.#keys && before?.key.equals(agreed.key)) return this.#keys;
    const keys = this.#keysBy(agreed.key);
    this.#index = agreed;
    this.#keys = keys;
    if (before) rekeyed();
    for (const noted of this.#ends) {
      if (noted.isNamed && before === null) continue;
      noted.isNamed = true;
      // Its failure shows as the store's, which is told where it is noticed.
      noted.end(keys).catch(() => {});
    }
    return keys;
  }

  #keysBy(indexKey: Buffer): SessionKeys {
    const { tenantName, countsSessions } = this.#options;
    return createSessionKeys(tenantName, indexKey, countsSessions);
  }

  /** Where the store has no key, it may have lost it, and another node may know it. */
  async #askOthers(name: string): Promise<void> {
    const { documents, clock, tell, isAlone, hasOthers } = this.#options;
    if (isAlone || !hasOthers || (await documents.read(name)).version > 0) return;
    tell();
    await new Promise<void>((resolve) => clock.setTimer(askFor, resolve));
  }
}
