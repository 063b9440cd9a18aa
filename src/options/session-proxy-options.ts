import cluster from "node:cluster";
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type OptionProblem, OptionsError } from "../errors.ts";
import type { Identity } from "../identity/identity.ts";
import { revealed, Secret } from "../kernel/secret.ts";
import type { Clock } from "../kernel/clock.ts";
import type { SessionStore } from "../store/session-store.ts";
import { checkMeaning } from "./check-meaning.ts";
import { pageWarnings } from "./check-pages.ts";
import { checkShape } from "./check-shape.ts";
import { sharingWarnings } from "./check-sharing.ts";
import { parseFrameAncestor, parsePrefix } from "./origin.ts";
import { optionsSchema, type ShapedOptions } from "./schema.ts";
import { restoreLineBreaks } from "./signing-key.ts";
import {
  createBackend,
  kindSettings,
  tenantLimits,
  usualLoginTimeout,
  type KindSettings,
} from "./tenant-kinds.ts";
import type { Duration, TenantOptions } from "./tenant-options.ts";
import type { ResolvedOptions } from "./resolved-options.ts";

/** Bytes, or a text with its unit: `512B`, `64KiB`, `1MiB`, `1GiB`. */
export type Size = number | string;

/** What `createSessionProxy` takes; an unknown key is an error. */
export interface SessionProxyOptions {
  /** The tenant, and how to sign users in to it. */
  readonly tenant: TenantOptions;
  /** Says who the user of a request is; null for nobody. Called for every request and every upgrade. */
  identify(request: IncomingMessage): Identity | null | Promise<Identity | null>;
  /**
   * Names of request headers that `identify` reads; they never travel to the tenant. None by default. With `Authorization`
   * among them, a client that is no browser needs no `Origin` where it sends that header and no cookie.
   */
  readonly identityHeaders?: readonly string[];
  /**
   * Seals what the store holds: one text of 32 bytes or more, or several for rotation, of which the first seals and all
   * open. May be left out with the memory store, which nothing leaves. A `Secret` is a text that cannot be printed by accident.
   */
  readonly secret?: string | Secret | readonly (string | Secret)[];
  /** Path below which the proxy lives, without a slash at the end; "/" is the root mount. "/qlik" by default. */
  readonly prefix?: string;
  readonly root?: RootOptions;
  /** Origin that the browser sees, exactly as browsers write it; the request's own by default. */
  readonly publicOrigin?: string;
  /** Exact origins whose pages may use the proxy, beside `publicOrigin`, which always may; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** Whether requests without an Origin, from clients that are not browsers, may change things; false by default. */
  readonly allowMissingOrigin?: boolean;
  /**
   * Addresses and CIDR ranges of front doors whose `X-Forwarded-For` counts, never every address; none by default.
   * Where one is named, the tenant is told the client's address, and nothing else of the way that a request took.
   */
  readonly trustedProxies?: readonly string[];
  /** Who may frame the tenant's pages: `self`, `none`, or origins; `self` by default. */
  readonly frameAncestors?: readonly string[];
  /**
   * Where sessions are kept: `memory` (the default); `file:DIR`, which outlives a restart; `redis://…`, `rediss://…`,
   * `redis+sentinel://h1,h2,h3/name` or `redis+cluster://h1,h2,h3`, which several processes share; or a store of your
   * own. A `Secret` for an address with a password.
   */
  readonly store?: string | Secret | SessionStore;
  /** Certificate authority in PEM that is trusted for a Redis store beside the system's; none by default. */
  readonly storeCa?: string;
  /** How many processes serve this tenant, 1 to 1000; 1 by default. With more, a store that is not shared gives a warning. */
  readonly replicas?: number;
  readonly session?: SessionOptions;
  readonly policy?: PolicyOptions;
  readonly timeouts?: TimeoutOptions;
  readonly limits?: LimitOptions;
  readonly upstream?: UpstreamOptions;
  readonly unsafe?: UnsafeOptions;
  /**
   * Another time than the machine's, for tests: `createTestClock()` of `qlik-session-proxy/testing`. Refused with
   * `NODE_ENV=production`.
   */
  readonly clock?: Clock;
}

/** What the proxy takes from the application at the root mount, beside the tenant's paths that the policy allows. */
export interface RootOptions {
  /** Whether `/login` and `/logout` are the proxy's, as they are below a prefix; false by default: the application's. */
  readonly takeLogin?: boolean;
  /**
   * Whether nothing of the application is served at this origin, which is the proxy's alone; false by default. Pages of the
   * tenant may then run there. Needs `publicOrigin`, and the application's origin in `allowedOrigins`.
   */
  readonly ownHost?: boolean;
}

/** The clocks of a session. */
export interface SessionOptions {
  /**
   * How long known live sessions are served while the store is away. Milliseconds, 0 to 1 h; 60000 (1 minute) by
   * default.
   */
  readonly storeGrace?: Duration;
  /** Time without use after which a session ends. Milliseconds, 1 s to 30 d; 1200000 (20 minutes) by default. */
  readonly idleTimeout?: Duration;
  /** Age at which a session is replaced by a new one. Milliseconds, 1 s to 30 d; 28800000 (8 hours) by default. */
  readonly maxLifetime?: Duration;
  /**
   * How long before the tenant's session ends it is renewed in the background. Milliseconds, 0 or more, less than
   * `maxLifetime` and `tenant.sessionLifetime`; 120000 (2 minutes) by default, or a quarter of the shorter of the two.
   */
  readonly renewBefore?: Duration;
  /** How old the host's word may be for an open socket. Milliseconds, 1 s to 1 d; 600000 (10 minutes) by default. */
  readonly revalidate?: Duration;
}

/** Which routes of the tenant are open; a rule is `METHOD[,METHOD] /path`, `/**` at its end means everything below. */
export interface PolicyOptions {
  /** Names of route sets; `["embed"]` by default. */
  readonly presets?: readonly string[];
  /** Rules beside the presets; none by default. */
  readonly allow?: readonly string[];
  /** Rules that win over everything; none by default. */
  readonly deny?: readonly string[];
}

/** How long to wait for what. */
export interface TimeoutOptions {
  /** For a connection to the tenant, TLS included. Milliseconds, 10 ms to 5 m; 5000 by default. */
  readonly connect?: Duration;
  /** For the head of the tenant's answer. Milliseconds, 10 ms to 1 h; 60000 by default. */
  readonly headers?: Duration;
  /** Between two pieces of a body. Milliseconds, 10 ms to 1 h; 60000 by default. */
  readonly bodyIdle?: Duration;
  /** For a whole login. Milliseconds, 10 ms to 2 m; 10000 by default, 30000 with `qlik-sense-jwt`. */
  readonly login?: Duration;
  /** For one call of the store. Milliseconds, 10 ms to 1 m; 500 by default. */
  readonly store?: Duration;
  /** Without a byte on a WebSocket, before it is closed. Milliseconds, 1 s to 7 d; 3600000 (1 hour) by default. */
  readonly socketIdle?: Duration;
  /** At the start of a drain, while everything is still served. Milliseconds, 0 to 10 m; 5000 by default. */
  readonly drainDelay?: Duration;
  /** For what is in flight in a drain. Milliseconds, 0 to 1 h; 20000 by default. */
  readonly drain?: Duration;
}

/** How much is too much. */
export interface LimitOptions {
  /** Open WebSockets of one session, 1 to 10000; 32 by default. */
  readonly socketsPerSession?: number;
  /** Open WebSockets of all sessions of the process, 1 to 1000000; 16384 by default, some 200 MiB at rest. */
  readonly sockets?: number;
  /** Longest request body. Bytes, 1 to 1 TiB; 1073741824 (1 GiB) by default. */
  readonly requestBody?: Size;
  /** Longest request body that is kept to be sent again after a renewal. Bytes, 0 to 16 MiB; 65536 by default. */
  readonly replayBody?: Size;
  /** Logins at the tenant in a minute, 1 to 100000; 100 by default, the tenant's own limit. */
  readonly loginsPerMinute?: number;
}

/** Connections to the tenant; a session never shares one with another. */
export interface UpstreamOptions {
  /** Connections of one session, 1 to 256; 6 by default, as many as a browser opens. */
  readonly perSession?: number;
  /** How long an unused connection is kept. Milliseconds, 1 ms to 5 m; 5000 by default. */
  readonly idle?: Duration;
  /** Unused connections of all sessions, 0 to 65536; 1024 by default. */
  readonly idleTotal?: number;
  /** Connections of all sessions, 1 to 65536; 4096 by default. */
  readonly total?: number;
  /**
   * Who speaks HTTP/1.1 to the tenant: `own`, a strict client of the proxy that does little work for each request, or the
   * library `undici`; `own` by default. WebSockets are the same with both.
   */
  readonly client?: "undici" | "own";
}

/** For local work only; refused with `NODE_ENV=production`. All false by default. */
export interface UnsafeOptions {
  /** Lets `tenant.origin` be http. */
  readonly plainHttpTenant?: boolean;
  /** Lets `publicOrigin` and `allowedOrigins` be http. */
  readonly plainHttpPublic?: boolean;
  /** Lets pages of the tenant run their scripts with the rights of the application's own. */
  readonly foreignScriptOnAppOrigin?: boolean;
}

/**
 * Checks options and fills in their defaults.
 *
 * @throws OptionsError once, with every problem in it.
 */
export function resolveOptions(
  options: SessionProxyOptions,
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
): ResolvedOptions {
  const shape = checkShape(optionsSchema, options);
  const meaning = checkMeaning(options, environment);
  const problems = withoutRepetition([...shape.problems, ...meaning.problems]);
  const { store, signingKeys } = meaning;
  if (problems.length > 0 || shape.output === undefined || store === undefined)
    throw new OptionsError(problems);
  const settings = kindSettings(shape.output.tenant);
  const backend = createBackend(shape.output.tenant, settings, signingKeys[0]);
  if (backend === undefined) throw new OptionsError([{ path: "tenant.signingKeys", message: "is missing" }]);
  const surroundings = { environment, isClusterWorker: cluster.isWorker };
  const filled = fill(shape.output, { ...settings, backend, signingKeys });
  return deepFreeze({
    ...filled,
    // Frozen on its own: a store of the caller's keeps its own ways.
    store: Object.freeze(store),
    ...toSecrets(options.secret),
    warnings: [...sharingWarnings(store.kind, shape.output.replicas, surroundings), ...pageWarnings(filled)],
  });
}

const toSecret = (text: string | Secret): Secret => new Secret(revealed(text));

/** As long as the key that is made of it. Bytes. */
const randomSecretBytes = 32;

function toSecrets(secret: SessionProxyOptions["secret"]): Pick<ResolvedOptions, "secrets" | "madeSecret"> {
  const [first, ...others] = secret === undefined ? [] : [secret].flat().map(toSecret);
  if (first !== undefined) return { secrets: [first, ...others], madeSecret: null };
  const made = new Secret(randomBytes(randomSecretBytes).toString("base64"));
  return { secrets: [made], madeSecret: made };
}

/** The first problem of a place stands for all: the later checks only repeat it in other words. */
function withoutRepetition(problems: readonly OptionProblem[]): readonly OptionProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** By default sessions are renewed this long before their end, in milliseconds. */
const usualRenewBefore = 120_000;

function fill(
  shaped: ShapedOptions,
  signsIn: KindSettings & Pick<ResolvedOptions["tenant"], "backend" | "signingKeys">,
): Omit<ResolvedOptions, "store" | "secrets" | "madeSecret" | "warnings"> {
  const { tenant, root, session, publicOrigin, replicas, policy, timeouts, limits, upstream, unsafe } =
    shaped;
  const prefix = parsePrefix(shaped.prefix);
  const tenantsOwn = tenantLimits(tenant.kind, tenant);
  const shortest = Math.min(session.maxLifetime, tenantsOwn.sessionLifetime);
  return {
    tenant: {
      origin: tenant.origin,
      ca: tenant.ca === undefined ? undefined : restoreLineBreaks(tenant.ca),
      kind: tenant.kind,
      ...signsIn,
      ...tenantsOwn,
    },
    prefix: "prefix" in prefix ? prefix.prefix : "",
    root,
    publicOrigin,
    allowedOrigins: new Set([
      ...(publicOrigin === undefined ? [] : [publicOrigin]),
      ...shaped.allowedOrigins,
    ]),
    allowMissingOrigin: shaped.allowMissingOrigin,
    trustedProxies: shaped.trustedProxies,
    frameAncestors: shaped.frameAncestors.map((source) => parseFrameAncestor(source) ?? "'none'"),
    identify: shaped.identify,
    identityHeaders: new Set(shaped.identityHeaders.map((name) => name.toLowerCase())),
    replicas,
    session: {
      storeGrace: session.storeGrace,
      idleTimeout: session.idleTimeout,
      maxLifetime: session.maxLifetime,
      renewBefore: session.renewBefore ?? Math.min(usualRenewBefore, Math.floor(shortest / 4)),
      revalidate: session.revalidate,
    },
    policy,
    timeouts: { ...timeouts, login: timeouts.login ?? usualLoginTimeout(tenant.kind) },
    limits,
    upstream,
    unsafe,
  };
}

/** Freezes plain objects and arrays all the way down; keys, sets and functions keep their own ways. */
function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) {
    const isPlain = Array.isArray(part) || Object.getPrototypeOf(part ?? 0) === Object.prototype;
    if (isPlain && !Object.isFrozen(part)) deepFreeze(part as object);
  }
  return Object.freeze(value);
}
