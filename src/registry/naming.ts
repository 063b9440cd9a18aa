import { randomBytes } from "node:crypto";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Documents } from "./documents.ts";
import { agreeOnIndexKey, indexNameOf, type IndexKey } from "./index-key.ts";
import { createSessionKeys, type SessionKeys } from "./session-key.ts";

/** What naming needs. */
export interface NamingOptions {
  readonly documents: Documents;
  readonly tenantOrigin: string;
  /** Whether nobody else uses the names: then there is nothing to agree on. */
  readonly isAlone: boolean;
  /** This node wrote the index key; others may have another one. */
  readonly written: () => void;
  /** The nodes have agreed on another key than this one's: no session at hand has its name any more. */
  readonly rekeyed: () => void;
}

/** Ends that a node keeps in mind before it has learned how sessions are named. */
const mostPostponed = 10_000;

/** Knows how sessions are named, by a key that all nodes agree on. rules R1 */
export class Naming {
  readonly #options: NamingOptions;
  readonly #agreeing = createSingleFlight<"index", SessionKeys>();
  readonly #postponed: ((keys: SessionKeys) => Promise<void>)[] = [];
  #keys: SessionKeys | null;
  #index: IndexKey | null = null;

  constructor(options: NamingOptions) {
    this.#options = options;
    this.#keys = options.isAlone ? createSessionKeys(options.tenantOrigin, randomBytes(32)) : null;
  }

  /** The names of sessions; null until the store has said how they are derived. */
  get keys(): SessionKeys | null {
    return this.#keys;
  }

  /** Learns how names are derived. @throws SessionProxyError `QSP-STORE` */
  open(): Promise<SessionKeys> {
    return this.#keys ? Promise.resolve(this.#keys) : this.#agreeing.run("index", () => this.#agree());
  }

  /** Like `open`; where the store cannot be reached, `later` is done as soon as it was, and the failure is thrown now. */
  async openOr(later: (keys: SessionKeys) => Promise<void>): Promise<SessionKeys> {
    try {
      return await this.open();
    } catch (error) {
      if (this.#postponed.length < mostPostponed) this.#postponed.push(later);
      throw error;
    }
  }

  /** Compares the key with the store's, once there is one. @throws SessionProxyError `QSP-STORE` */
  async compare(): Promise<void> {
    if (this.#index) await this.#agreeing.run("index", () => this.#agree());
  }

  async #agree(): Promise<SessionKeys> {
    const { documents, tenantOrigin, written, rekeyed } = this.#options;
    const before = this.#index;
    const { isWritten, ...agreed } = await agreeOnIndexKey(documents, indexNameOf(tenantOrigin), before);
    if (isWritten && before) written();
    if (this.#keys && before?.key.equals(agreed.key)) return this.#keys;
    this.#index = agreed;
    this.#keys = createSessionKeys(tenantOrigin, agreed.key);
    if (before) rekeyed();
    // Their failure shows as the store's, which is told where it is noticed.
    for (const work of this.#postponed.splice(0)) work(this.#keys).catch(() => {});
    return this.#keys;
  }
}
