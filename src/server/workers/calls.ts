import type { NotableEvent } from "../console/recent-events.ts";
import type { Snapshot } from "../metrics/snapshot.ts";
import type { ListedSession, Reloaded, SessionProxyStats } from "../../proxy/session-proxy.ts";
import type { DocumentWrite, StoredDocument, WriteOutcome } from "../../store/session-store.ts";

/** What the primary asks of a worker. */
export interface WorkerCalls {
  /** Begins to serve; once, and first. */
  start(order: StartOrder): Promise<Started>;
  /** Answers at once, whatever else it has to do: who does not, hangs. */
  ping(argument: null): void;
  /** Makes everything that another configuration needs, and changes nothing. Rejects with its problems. */
  prepare(parcel: string): void;
  /** Puts into force what was prepared last. */
  commit(argument: null): Reloaded;
  /** Resolves when nothing is in flight. */
  drain(argument: null): Promise<void>;
  /** Ends every session in the store, at the tenant too; for a store that goes with the primary. */
  endSessions(argument: null): Promise<void>;
  /** Ends the process, in order. */
  exit(argument: null): Promise<void>;
  /** What this worker alone knows. */
  collect<Kind extends keyof Collected>(kind: Kind): Collected[Kind] | Promise<Collected[Kind]>;
  /** Every session in the store, or those of a subject, with the sockets of this worker. */
  list(subject: string | null): Promise<readonly ListedSession[]>;
  revoke(order: { readonly subject: string; readonly blockFor?: number }): Promise<void>;
  revokeKey(key: string): Promise<boolean>;
  hashOf(subject: string): string | null;
  /** Another worker is dead. */
  nodeGone(name: string): void;
  /** A message of another worker, where the primary keeps the store. */
  heard(message: string): void;
}

/** What is told by each worker of its own, and put together by the primary; one member for each kind. */
export interface Collected {
  readonly stats: SessionProxyStats;
  /** Open sockets by session key. */
  readonly sockets: readonly (readonly [key: string, count: number])[];
  /** What it has counted, and by what name the worker goes among those that count. */
  readonly counts: { readonly node: string; readonly snapshot: Snapshot };
}

/** What a worker begins with. */
export interface StartOrder {
  /** The configuration as the primary has read it, secrets included. */
  readonly parcel: string;
  /** Its place, from 1 on; a worker that takes the place of a dead one has the same. */
  readonly number: number;
  /** Whether the primary keeps the store, because no two processes could share it. */
  readonly isStoreKept: boolean;
  /** Whether it counts, and tells of its events: somebody may look at them. */
  readonly isWatched: boolean;
}

/** What a worker says when it serves. */
export interface Started {
  /** Where it listens. */
  readonly url: string;
  /** Where its edge listener listens; undefined without one. */
  readonly edgeUrl: string | undefined;
  /** Its name among the nodes that share the store. */
  readonly node: string;
}

/** What a worker says when it can be asked: node loses messages that come to a module which is still being loaded. */
export interface Greeting {
  readonly greeting: "ready";
}

/** What a worker asks of the primary. */
export interface PrimaryCalls extends KeptStoreCalls {
  /** What has happened at the worker, and is shown. */
  happened(events: readonly NotableEvent[]): void;
}

/** What a worker asks of the primary where that keeps the store for all. */
export interface KeptStoreCalls {
  read(name: string): Promise<StoredDocument>;
  write(order: { readonly name: string; readonly write: DocumentWrite }): Promise<WriteOutcome>;
  names(prefix: string): Promise<readonly string[]>;
  /** Tells the other workers. */
  publish(message: string): void;
}
