import { createPrivateKey } from "node:crypto";
import { Secret } from "../../kernel/secret.ts";
import { isPlainObject } from "../../options/check-shape.ts";
import type { SessionProxyOptions } from "../../options/session-proxy-options.ts";
import type { TenantOptions } from "../../options/tenant-options.ts";
import { areForSeveral, type SeveralTenantsOptions } from "../../options/several-tenants.ts";
import { restoreLineBreaks } from "../../options/signing-key.ts";
import { holdsPassword } from "../../options/store-choice.ts";
import type { IdentitySource } from "./identity-source.ts";

/** What a proxy of the server runs with: one tenant, or several. */
export type ProxyOptions = SessionProxyOptions | SeveralTenantsOptions;

/** Keys that file and library have in common, name and meaning. */
const sameKeys = [
  "prefix",
  "root",
  "publicOrigin",
  "allowedOrigins",
  "allowMissingOrigin",
  "trustedProxies",
  "frameAncestors",
  "replicas",
  "policy",
  "timeouts",
  "limits",
  "upstream",
  "unsafe",
] as const;

/** Keys of the file's session that are not the library's. */
const ownSessionKeys = new Set(["secret", "secretFile", "store", "storeFile", "storeCa", "storeCaFile"]);

/**
 * Picks the library's options out of a tree.
 *
 * The tree may still be wrong: the library checks what it gets, so that its problems are found in the same pass.
 */
export function toLibraryOptions(
  tree: Readonly<Record<string, unknown>>,
  identity: Pick<IdentitySource, "identify" | "headerNames">,
): ProxyOptions {
  const session = isPlainObject(tree["session"]) ? tree["session"] : {};
  const { secret, store, storeCa } = session;
  const options = {
    ...pick(tree, (key) => (sameKeys as readonly string[]).includes(key)),
    ...toTenants(tree),
    session: pick(session, (key) => !ownSessionKeys.has(key)),
    ...(typeof secret === "string" ? { secret: toSecrets(secret) } : {}),
    ...(typeof store === "string" ? { store: holdsPassword(store) ? new Secret(store) : store } : {}),
    ...(typeof storeCa === "string" ? { storeCa } : {}),
    identify: identity.identify,
    identityHeaders: identity.headerNames,
  };
  return options as unknown as ProxyOptions;
}

const pick = (
  from: Readonly<Record<string, unknown>>,
  wanted: (key: string) => boolean,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(from).filter(([key]) => wanted(key)));

/** The one tenant, or the several. */
function toTenants({
  tenant,
  tenants,
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const several = Array.isArray(tenants) ? { tenants: tenants.map(toTenant) } : { tenants };
  return tenants === undefined
    ? { tenant: toTenant(tenant) }
    : { ...(tenant === undefined ? {} : { tenant }), ...several };
}

/** The tenant without the names of its files, whose contents stand beside them. */
function toTenant(tenant: unknown): unknown {
  if (!isPlainObject(tenant)) return tenant;
  const { signingKeys, clientSecret } = tenant;
  return {
    ...pick(tenant, (key) => key !== "caFile" && key !== "profileFile" && key !== "clientSecretFile"),
    ...(typeof clientSecret === "string" ? { clientSecret: new Secret(clientSecret) } : {}),
    ...(Array.isArray(signingKeys) ? { signingKeys: signingKeys.map(withoutFileNames) } : {}),
  };
}

/** The same with private keys that Node holds: their text is needed no more, and is left to be forgotten. */
export function withReadKeys(options: ProxyOptions): ProxyOptions {
  return areForSeveral(options)
    ? { ...options, tenants: options.tenants.map(withReadKeysOf) }
    : { ...options, tenant: withReadKeysOf(options.tenant) };
}

function withReadKeysOf<Tenant extends TenantOptions>(tenant: Tenant): Tenant {
  if (tenant.signingKeys === undefined) return tenant;
  const signingKeys = tenant.signingKeys.map((key) =>
    typeof key.privateKey === "string"
      ? { ...key, privateKey: createPrivateKey(restoreLineBreaks(key.privateKey)) }
      : key,
  );
  return { ...tenant, signingKeys };
}

const withoutFileNames = (key: unknown): unknown =>
  isPlainObject(key) ? pick(key, (name) => name !== "privateKeyFile" && name !== "certificateFile") : key;

/** Each line is a secret, used as it is; empty lines are none. */
const toSecrets = (text: string): readonly Secret[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) => new Secret(line));

/** Where the operator wrote what the library calls by another name. */
export function toWrittenPath(path: string, writtenAt: ReadonlyMap<string, string>): string {
  const secret = /^secret(?:\[(\d+)\])?$/.exec(path);
  if (secret !== null) {
    const place = writtenAt.get("session.secret") ?? "session.secret";
    return secret[1] === undefined ? place : `${place}, line ${Number(secret[1]) + 1}`;
  }
  if (path === "identify") return "identity";
  const inFile = path === "store" || path === "storeCa" ? `session.${path}` : path;
  return writtenAt.get(inFile) ?? inFile;
}
