import * as v from "valibot";
import { tenantKinds, type TenantKind } from "../tenant/backend.ts";
import type { ResolvedOptions } from "./resolved-options.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { Clock } from "../kernel/clock.ts";
import type { LeafKind } from "./schema-node.ts";
import { formatSize, parseSize } from "./size.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;

const leaf = <Input>(kind: LeafKind): v.MetadataAction<Input, { readonly leaf: LeafKind }> =>
  v.metadata({ leaf: kind });

interface Range {
  readonly from: number;
  readonly to: number;
}

const number = (
  kind: "integer" | "duration" | "size",
  { from, to }: Range,
): v.GenericSchema<number | string, number> => {
  const [unit, write, read] = {
    integer: ["", String, () => null] as const,
    duration: [
      " of milliseconds, or a text with its unit such as 30s",
      formatDuration,
      parseDuration,
    ] as const,
    size: [" of bytes, or a text with its unit such as 1MiB", formatSize, parseSize] as const,
  }[kind];
  const range = `must be from ${write(from)} to ${write(to)}`;
  const wanted = `must be a whole number${unit}`;
  return v.pipe(
    v.union([v.number(), v.string()], wanted),
    // The texts of the configuration file mean the same here. A text that is none is not a number either.
    v.transform((value) => (typeof value === "string" ? (read(value) ?? Number.NaN) : value)),
    v.number(wanted),
    v.integer(wanted),
    v.minValue(from, ({ input }) => `${range}, not ${write(input)}`),
    v.maxValue(to, ({ input }) => `${range}, not ${write(input)}`),
    leaf(kind),
  );
};

/** A duration with its default and its range, in milliseconds. */
export const duration = (
  fallback: number,
  from: number,
  to: number,
): v.GenericSchema<number | string | undefined, number> =>
  v.optional(number("duration", { from, to }), fallback);
const size = (
  fallback: number,
  from: number,
  to: number,
): v.GenericSchema<number | string | undefined, number> => v.optional(number("size", { from, to }), fallback);
/** A whole number with its default and its range. */
export const integer = (
  fallback: number,
  from: number,
  to: number,
): v.GenericSchema<number | string | undefined, number> =>
  v.optional(number("integer", { from, to }), fallback);

export const flag = (): v.GenericSchema<boolean | undefined, boolean> =>
  v.optional(v.pipe(v.boolean("must be true or false"), leaf("boolean")), false);

/** A text that is not empty. */
export const text = (): v.GenericSchema<string> =>
  v.pipe(v.string("must be text"), v.nonEmpty("must not be empty"), leaf("text"));

/** A list of texts, written with commas where a single value is asked for. */
export const list = (kind: "list" | "lines" = "list"): v.GenericSchema<string[]> =>
  v.pipe(
    v.array(v.pipe(v.string("must be text"), v.nonEmpty("must not be empty")), "must be a list"),
    leaf(kind),
  );

/** A group of keys; left out, every key in it has its default. */
const group = <Output extends object>(
  schema: v.GenericSchema<object, Output>,
): v.GenericSchema<object | undefined, Output> => v.optional(schema, {});

/** Signs with a key that Node holds or that another machine holds. */
const signingKeyEntries = {
  issuer: text(),
  keyId: text(),
  privateKey: v.pipe(v.unknown(), leaf("opaque")),
  certificate: v.optional(text()),
  alg: v.optional(text()),
};

const tenantEntries = {
  origin: text(),
  ca: v.optional(text()),
  kind: v.optional(
    v.pipe(v.picklist(tenantKinds, `must be one of ${tenantKinds.join(", ")}`), leaf("text")),
    "qlik-cloud-jwt",
  ),
  // Their defaults differ from kind to kind.
  sessionIdle: v.optional(number("duration", { from: second, to: 30 * day })),
  sessionLifetime: v.optional(number("duration", { from: second, to: 30 * day })),
  signingKeys: v.optional(
    v.pipe(
      v.array(
        v.object(signingKeyEntries, "must be an object with issuer, keyId and privateKey"),
        "must be a list",
      ),
      v.minLength(1, "must hold at least one key"),
    ),
  ),
  clientId: v.optional(text()),
  clientSecret: v.optional(v.pipe(v.unknown(), leaf("opaque"))),
  scope: v.optional(text()),
  userLookup: v.optional(
    v.pipe(v.picklist(["subject", "userId"], "must be subject or userId"), leaf("text")),
  ),
  virtualProxy: v.optional(text()),
  sessionCookie: v.optional(text()),
  userDirectory: v.optional(text()),
  userIdClaim: v.optional(text()),
  userDirectoryClaim: v.optional(text()),
  socketOrigin: v.optional(text()),
};

/** Groups of numbers and switches, the same in code and in a file. */
const sessionEntries = {
  storeGrace: duration(minute, 0, hour),
  idleTimeout: duration(20 * minute, second, 30 * day),
  maxLifetime: duration(8 * hour, second, 30 * day),
  renewBefore: v.optional(number("duration", { from: 0, to: 30 * day })),
  revalidate: duration(10 * minute, second, day),
};

const policyEntries = {
  presets: v.optional(list(), ["embed"]),
  allow: v.optional(list("lines"), []),
  deny: v.optional(list("lines"), []),
};

const timeoutsEntries = {
  connect: duration(5 * second, 10, 5 * minute),
  headers: duration(60 * second, 10, hour),
  bodyIdle: duration(60 * second, 10, hour),
  // Its default differs from kind to kind.
  login: v.optional(number("duration", { from: 10, to: 2 * minute })),
  store: duration(500, 10, minute),
  socketIdle: duration(hour, second, 7 * day),
  drainDelay: duration(5 * second, 0, 10 * minute),
  drain: duration(20 * second, 0, hour),
};

const limitsEntries = {
  socketsPerSession: integer(32, 1, 10_000),
  sockets: integer(16_384, 1, 1_000_000),
  requestBody: size(gibibyte, 1, 1024 * gibibyte),
  replayBody: size(64 * kibibyte, 0, 16 * mebibyte),
  loginsPerMinute: integer(100, 1, 100_000),
};

const upstreamEntries = {
  perSession: integer(6, 1, 256),
  idle: duration(5 * second, 1, 5 * minute),
  idleTotal: integer(1024, 0, 65_536),
  total: integer(4096, 1, 65_536),
  client: v.optional(v.pipe(v.picklist(["undici", "own"], "must be undici or own"), leaf("text")), "own"),
};

const rootEntries = { takeLogin: flag(), ownHost: flag() };

const unsafeEntries = {
  plainHttpTenant: flag(),
  plainHttpPublic: flag(),
  foreignScriptOnAppOrigin: flag(),
};

/** The keys that code and file have in common, by group; the file's schema adds its own beside them. */
export const sharedEntries: Readonly<
  Record<
    "tenant" | "signingKey" | "root" | "session" | "policy" | "timeouts" | "limits" | "upstream" | "unsafe",
    v.ObjectEntries
  >
> = {
  tenant: tenantEntries,
  signingKey: signingKeyEntries,
  root: rootEntries,
  session: sessionEntries,
  policy: policyEntries,
  timeouts: timeoutsEntries,
  limits: limitsEntries,
  upstream: upstreamEntries,
  unsafe: unsafeEntries,
};

const mountEntries = {
  prefix: v.optional(text(), "/qlik"),
  publicOrigin: v.optional(text()),
  allowedOrigins: v.optional(list(), []),
  allowMissingOrigin: flag(),
  trustedProxies: v.optional(list(), []),
  frameAncestors: v.optional(list(), ["self"]),
};

/** The keys about the mount, the same in code and in a file. */
export const sharedMountEntries: v.ObjectEntries = mountEntries;

/** How many processes serve the tenant, the same in code and in a file. */
export const replicasEntry: v.GenericSchema<number | string | undefined, number> = integer(1, 1, 1000);

/** The options after their defaults and before the checks that need more than one value. */
export interface ShapedOptions extends Pick<
  ResolvedOptions,
  "allowMissingOrigin" | "trustedProxies" | "replicas" | "root" | "policy" | "limits" | "upstream" | "unsafe"
> {
  readonly tenant: {
    readonly origin: string;
    readonly ca?: string | undefined;
    readonly kind: TenantKind;
    readonly sessionIdle?: number | undefined;
    readonly sessionLifetime?: number | undefined;
  };
  readonly prefix: string;
  readonly publicOrigin?: string | undefined;
  readonly allowedOrigins: readonly string[];
  readonly frameAncestors: readonly string[];
  readonly identify: ResolvedOptions["identify"];
  readonly identityHeaders: readonly string[];
  readonly session: Omit<ResolvedOptions["session"], "renewBefore"> & {
    readonly renewBefore?: number | undefined;
  };
  readonly timeouts: Omit<ResolvedOptions["timeouts"], "login"> & { readonly login?: number | undefined };
}

function isClock(value: unknown): value is Clock {
  const { now, setTimer } = (value ?? {}) as Partial<Record<keyof Clock, unknown>>;
  return typeof now === "function" && typeof setTimer === "function";
}

/** The truth about names, types, ranges and defaults of the options. */
export const optionsSchema: v.GenericSchema<unknown, ShapedOptions> = v.object(
  {
    tenant: v.object(tenantEntries, "must be an object with origin, and how users are signed in"),
    tenants: v.optional(v.never("stands in the place of tenant, not beside it")),
    identify: v.pipe(
      v.custom<ResolvedOptions["identify"]>(
        (value) => typeof value === "function",
        "must be a function that takes the request and returns who the user is, or null",
      ),
      leaf("opaque"),
    ),
    identityHeaders: v.optional(list(), []),
    secret: v.optional(v.pipe(v.unknown(), leaf("lines"))),
    ...mountEntries,
    root: group(v.object(rootEntries, "must be an object")),
    store: v.optional(v.pipe(v.unknown(), leaf("text"))),
    storeCa: v.optional(text()),
    replicas: replicasEntry,
    session: group(v.object(sessionEntries, "must be an object")),
    policy: group(v.object(policyEntries, "must be an object")),
    timeouts: group(v.object(timeoutsEntries, "must be an object")),
    limits: group(v.object(limitsEntries, "must be an object")),
    upstream: group(v.object(upstreamEntries, "must be an object")),
    unsafe: group(v.object(unsafeEntries, "must be an object")),
    clock: v.optional(
      v.pipe(v.custom<Clock>(isClock, "must be a clock with now and setTimer"), leaf("opaque")),
    ),
  },
  "must be an object",
);
