import * as v from "valibot";
import type { LeafKind } from "../../options/schema-node.ts";
import { flag, list, replicasEntry, sharedEntries, sharedMountEntries, text } from "../../options/schema.ts";
import { identitySchema } from "./identity-schema.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";

/** A key that holds a text, beside a key with `File` at its end that names the file with the text. */
export interface FileBackedKey {
  /** Place of the key; `[]` stands for every place in a list. */
  readonly path: readonly string[];
  /**
   * A secret may be given once only, and its file is for its owner only. "with a password": a text that is handled with
   * the same care if it holds one.
   */
  readonly secret: boolean | "with a password";
  /** Whether one of the two must be there when the object around them is. */
  readonly required: boolean;
}

const ofTenant: readonly FileBackedKey[] = [
  { path: ["tenant", "ca"], secret: false, required: false },
  { path: ["tenant", "clientSecret"], secret: true, required: false },
  { path: ["tenant", "signingKeys", "[]", "privateKey"], secret: true, required: true },
  { path: ["tenant", "signingKeys", "[]", "certificate"], secret: false, required: false },
];

/** Every key that can also come from a file. */
export const fileBackedKeys: readonly FileBackedKey[] = [
  { path: ["tls", "cert"], secret: false, required: true },
  { path: ["tls", "key"], secret: true, required: true },
  { path: ["admin", "token"], secret: true, required: false },
  { path: ["admin", "webhookSecret"], secret: true, required: false },
  { path: ["edge", "token"], secret: true, required: true },
  ...ofTenant,
  ...ofTenant.map((key) => ({ ...key, path: ["tenants", "[]", ...key.path.slice(1)] })),
  { path: ["identity", "bearer", "publicKey"], secret: false, required: false },
  { path: ["identity", "oidc", "clientSecret"], secret: true, required: true },
  { path: ["session", "secret"], secret: true, required: false },
  { path: ["session", "store"], secret: "with a password", required: false },
  { path: ["session", "storeCa"], secret: false, required: false },
];

const leaf = <Input>(kind: LeafKind): v.MetadataAction<Input, { readonly leaf: LeafKind }> =>
  v.metadata({ leaf: kind });

const optionalText = (): v.GenericSchema<string | undefined> => v.optional(text());

const listenAddress = (): v.GenericSchema<string, ListenAddress> =>
  v.pipe(
    v.string("must be text"),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const address = parseListenAddress(dataset.value);
      if (address !== null) return address;
      addIssue({ message: "must be an address with a port, such as 127.0.0.1:8787, or unix:/path" });
      return NEVER;
    }),
    leaf("text"),
  );

const object = <Entries extends v.ObjectEntries>(
  entries: Entries,
): v.ObjectSchema<Entries, "must be an object"> => v.object(entries, "must be an object");

/** Processes at most; more than the cores of the largest machines are of no use. */
const mostWorkers = 128;

const workersProblem = `must be a whole number from 1 to ${mostWorkers}, or auto`;

const workers = (): v.GenericSchema<number | "auto"> =>
  v.pipe(
    v.union(
      [
        v.literal("auto"),
        v.pipe(
          v.number(),
          v.integer(workersProblem),
          v.minValue(1, workersProblem),
          v.maxValue(mostWorkers, workersProblem),
        ),
      ],
      workersProblem,
    ),
    leaf("integer"),
  );

const signingKeySchema = object({
  ...sharedEntries.signingKey,
  privateKey: optionalText(),
  privateKeyFile: optionalText(),
  certificateFile: optionalText(),
});

const tenantEntries = {
  ...sharedEntries.tenant,
  caFile: optionalText(),
  profileFile: optionalText(),
  signingKeys: v.optional(
    v.pipe(v.array(signingKeySchema, "must be a list"), v.minLength(1, "must hold at least one key")),
  ),
  clientSecret: optionalText(),
  clientSecretFile: optionalText(),
};

const tenantSchema = object(tenantEntries);

/** Whatever a tenant is, how it is found among others, and what it has of its own. */
const oneOfTenantsSchema = object({
  name: text(),
  match: object({ host: optionalText(), prefix: optionalText(), claim: optionalText() }),
  publicOrigin: optionalText(),
  ...tenantEntries,
  policy: v.optional(object(sharedEntries.policy)),
  limits: v.optional(object(sharedEntries.limits)),
});

const sessionSchema = object({
  ...sharedEntries.session,
  secret: optionalText(),
  secretFile: optionalText(),
  store: optionalText(),
  storeFile: optionalText(),
  storeCa: optionalText(),
  storeCaFile: optionalText(),
});

/** What the server itself reads of a file; the rest goes on to the library, which checks it. */
export interface ShapedConfig {
  readonly listen: ListenAddress;
  readonly workers: number | "auto";
  readonly trustedProxies: readonly string[];
  readonly tls?: { readonly cert?: string | undefined; readonly key?: string | undefined } | undefined;
  readonly http2: boolean;
  readonly admin?:
    | {
        readonly listen: ListenAddress;
        readonly token?: string | undefined;
        readonly webhookSecret?: string | undefined;
      }
    | undefined;
  readonly edge?: { readonly listen: ListenAddress; readonly token?: string | undefined } | undefined;
}

const schema = object({
  listen: v.optional(listenAddress(), "127.0.0.1:8787"),
  ...sharedMountEntries,
  root: v.optional(object(sharedEntries.root), {}),
  trustedProxies: v.optional(list(), []),
  publicOrigin: optionalText(),
  tls: v.optional(
    object({
      cert: optionalText(),
      certFile: optionalText(),
      key: optionalText(),
      keyFile: optionalText(),
    }),
  ),
  http2: flag(),
  admin: v.optional(
    object({
      listen: listenAddress(),
      token: optionalText(),
      tokenFile: optionalText(),
      webhookSecret: optionalText(),
      webhookSecretFile: optionalText(),
    }),
  ),
  edge: v.optional(
    object({
      listen: v.optional(listenAddress(), "unix:/run/qsp-edge.sock"),
      token: optionalText(),
      tokenFile: optionalText(),
    }),
  ),
  workers: v.optional(workers(), 1),
  replicas: replicasEntry,
  tenant: v.optional(tenantSchema),
  tenants: v.optional(
    v.pipe(v.array(oneOfTenantsSchema, "must be a list"), v.minLength(1, "must hold at least one")),
  ),
  identity: identitySchema,
  session: v.optional(sessionSchema),
  policy: v.optional(object(sharedEntries.policy), {}),
  timeouts: v.optional(object(sharedEntries.timeouts), {}),
  limits: v.optional(object(sharedEntries.limits), {}),
  upstream: v.optional(object(sharedEntries.upstream), {}),
  unsafe: v.optional(object(sharedEntries.unsafe), {}),
});

/** The truth about the keys of the configuration file; names of variables and flags are made from it. */
export const configSchema: v.GenericSchema<unknown, ShapedConfig> = schema;
