import type { Identify } from "../identity/identify.ts";
import type { OptionProblem } from "../errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import type { Backend, TenantKind } from "../tenant/backend.ts";
import type { StoreChoice } from "./store-choice.ts";
import type { KindSettings } from "./tenant-kinds.ts";

/** Every option after defaults and checks; frozen, durations in milliseconds, sizes in bytes. */
export interface ResolvedOptions {
  readonly tenant: KindSettings & {
    /** Scheme, host and port, no trailing slash. */
    readonly origin: string;
    /** Extra certificate authority in PEM. */
    readonly ca: string | undefined;
    readonly kind: TenantKind;
    /** How users are signed in, and what requests of theirs carry. */
    readonly backend: Backend;
    /** The first one signs; none where the kind signs nothing. */
    readonly signingKeys: readonly AssertionKey[];
    /** Infinity where the tenant has no such limit. */
    readonly sessionIdle: number;
    readonly sessionLifetime: number;
  };
  /** "" for the root mount, otherwise a path without trailing slash: "/qlik". */
  readonly prefix: string;
  readonly root: {
    /** Whether `/login` and `/logout` are ours at the root mount; below a prefix they always are. */
    readonly takeLogin: boolean;
    readonly ownHost: boolean;
  };
  /** What the browser sees; undefined in the library: the request's own origin. */
  readonly publicOrigin: string | undefined;
  /** Exact origins, ours included where it is known. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly allowMissingOrigin: boolean;
  /** Addresses and CIDR ranges whose forwarding headers count. */
  readonly trustedProxies: readonly string[];
  /** Sources of the `frame-ancestors` directive, as written into the header. */
  readonly frameAncestors: readonly string[];
  readonly identify: Identify;
  /** Lower-case names of the headers that `identify` reads; they never travel to the tenant. */
  readonly identityHeaders: ReadonlySet<string>;
  /** The first one seals, all of them open; a random one with the memory store, if none was given. */
  readonly secrets: readonly [Secret, ...Secret[]];
  /** That random one, which opens as long as the process lives; null where one was given from the start. */
  readonly madeSecret: Secret | null;
  readonly store: StoreChoice;
  /** How many processes serve this tenant, as far as the operator said. */
  readonly replicas: number;
  readonly session: {
    /** How long known live sessions are served while the store is away. */
    readonly storeGrace: number;
    readonly idleTimeout: number;
    readonly maxLifetime: number;
    readonly renewBefore: number;
    readonly revalidate: number;
  };
  readonly policy: {
    readonly presets: readonly string[];
    readonly allow: readonly string[];
    readonly deny: readonly string[];
  };
  readonly timeouts: {
    readonly connect: number;
    readonly headers: number;
    readonly bodyIdle: number;
    readonly login: number;
    /** For one call of the store. */
    readonly store: number;
    readonly socketIdle: number;
    readonly drainDelay: number;
    readonly drain: number;
  };
  readonly limits: {
    readonly socketsPerSession: number;
    readonly sockets: number;
    readonly requestBody: number;
    readonly replayBody: number;
    readonly loginsPerMinute: number;
  };
  readonly upstream: {
    readonly perSession: number;
    readonly idle: number;
    readonly idleTotal: number;
    readonly total: number;
    readonly client: "undici" | "own";
  };
  readonly unsafe: {
    readonly plainHttpTenant: boolean;
    readonly plainHttpPublic: boolean;
    readonly foreignScriptOnAppOrigin: boolean;
  };
  /** What works, but should not stay so. */
  readonly warnings: readonly OptionProblem[];
}
