import { X509Certificate } from "node:crypto";
import type { OptionProblem } from "../errors.ts";
import { parseAddressRange } from "../identity/address-set.ts";
import { revealed, Secret } from "../kernel/secret.ts";
import { parseRule } from "../policy/rule.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import { presets, presetsWithPages } from "../tenant/routes.ts";
import { isPlainObject } from "./check-shape.ts";
import { formatDuration } from "./duration.ts";
import { nearestName } from "./nearest-name.ts";
import { originProblem, parseFrameAncestor, parsePrefix, tenantOriginProblem } from "./origin.ts";
import { readStoreChoice, type StoreChoice } from "./store-choice.ts";
import { checkTenantKeys, kindOf, tenantLimits } from "./tenant-kinds.ts";
import { createAssertionKey, restoreLineBreaks, toSigningKeyParts } from "./signing-key.ts";

type Report = (path: string, message: string) => void;

/** What the values mean together: problems beyond names and types, and what was made on the way. */
export interface Meaning {
  readonly problems: readonly OptionProblem[];
  /** Undefined where there is a problem with it. */
  readonly store: StoreChoice | undefined;
  readonly signingKeys: readonly AssertionKey[];
}

/**
 * Checks what the values mean.
 *
 * Works on options whose shape may be wrong, so that a missing name does not hide a broken key: every check looks
 * only at values of the type that it knows.
 */
export function checkMeaning(options: unknown, environment: Readonly<NodeJS.ProcessEnv>): Meaning {
  const problems: OptionProblem[] = [];
  const report: Report = (path, message) => problems.push({ path, message });
  const root = isPlainObject(options) ? options : {};
  const tenant = groupOf(root, "tenant");
  checkOrigins(root, report);
  checkMount(root, report);
  const store = checkStore(root, report);
  checkSecret(root["secret"], store, report);
  checkSession(root, report);
  checkPolicy(root, report);
  checkUnsafe(groupOf(root, "unsafe"), environment, report);
  if (root["clock"] !== undefined && environment["NODE_ENV"] === "production")
    report("clock", "is for tests, and is refused because NODE_ENV is production");
  checkAuthority("tenant.ca", tenant["ca"], report);
  checkTenantKeys(tenant, report);
  return { store, signingKeys: makeSigningKeys(tenant["signingKeys"], report), problems };
}

const groupOf = (root: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> => {
  const group = root[key];
  return isPlainObject(group) ? group : {};
};

/** The texts of a list with their places. */
const textsOf = (value: unknown): readonly (readonly [number, string])[] =>
  Array.isArray(value)
    ? [...value.entries()].filter(
        (entry): entry is [number, string] => typeof entry[1] === "string" && entry[1] !== "",
      )
    : [];

function checkOrigins(root: Readonly<Record<string, unknown>>, report: Report): void {
  const { plainHttpTenant, plainHttpPublic } = groupOf(root, "unsafe");
  const { origin } = groupOf(root, "tenant");
  const { publicOrigin } = root;
  if (typeof origin === "string" && origin !== "") {
    const problem = tenantOriginProblem(origin, plainHttpTenant === true);
    if (problem !== null) report("tenant.origin", problem);
  }
  const rules = { plainHttp: plainHttpPublic === true, plainHttpKey: "unsafe.plainHttpPublic" };
  if (typeof publicOrigin === "string" && publicOrigin !== "") {
    const problem = originProblem(publicOrigin, rules);
    if (problem !== null) report("publicOrigin", problem);
  }
  for (const [index, text] of textsOf(root["allowedOrigins"])) {
    const problem = originProblem(text, rules);
    if (problem !== null) report(`allowedOrigins[${index}]`, problem);
  }
}

function checkMount(root: Readonly<Record<string, unknown>>, report: Report): void {
  if (typeof root["prefix"] === "string" && root["prefix"] !== "") {
    const prefix = parsePrefix(root["prefix"]);
    if ("problem" in prefix) report("prefix", prefix.problem);
  }
  if (groupOf(root, "root")["takeLogin"] === true && root["prefix"] !== "/") {
    report(
      "root.takeLogin",
      'is for prefix "/"; below any other, login and logout are the proxy\'s without it',
    );
  }
  if (hasOwnHost(root)) checkOwnHost(root, report);
  for (const [index, text] of textsOf(root["trustedProxies"])) {
    const range = parseAddressRange(text);
    if (range === null) {
      report(`trustedProxies[${index}]`, "is not an address or a CIDR range such as 10.0.0.0/8");
    } else if (range.bits === 0) {
      report(`trustedProxies[${index}]`, "would believe every peer");
    }
  }
  const ancestors = textsOf(root["frameAncestors"]);
  for (const [index, text] of ancestors) {
    const source = parseFrameAncestor(text);
    if (source === null) report(`frameAncestors[${index}]`, "is not self, none or an origin");
    if (source === "'none'" && ancestors.length > 1)
      report(`frameAncestors[${index}]`, "none must stand alone");
  }
}

const hasOwnHost = (root: Readonly<Record<string, unknown>>): boolean =>
  groupOf(root, "root")["ownHost"] === true;

/** A host name is the proxy's own only beside an application with another. decision 0025 */
function checkOwnHost(root: Readonly<Record<string, unknown>>, report: Report): void {
  const { prefix, publicOrigin } = root;
  const others = textsOf(root["allowedOrigins"]).filter(([, origin]) => origin !== publicOrigin);
  if (prefix !== "/") report("root.ownHost", 'is for prefix "/": pages ask for their files at the root');
  if (publicOrigin === undefined)
    report("root.ownHost", "needs publicOrigin, the origin that is the proxy's");
  if (others.length === 0)
    report("root.ownHost", "needs the origin of your application in allowedOrigins; it is another one");
}

/** Shorter texts can be guessed; as long as the key that is made of them. Bytes. */
const shortestSecret = 32;

function checkSecret(secret: unknown, store: StoreChoice | undefined, report: Report): void {
  if (secret === undefined) {
    // What is left behind without a key could be read by whoever finds it; with a new key each time, by nobody.
    if (store !== undefined && store.kind !== "memory")
      report("secret", "is missing: it seals what the store holds; openssl rand -base64 32 makes one");
    return;
  }
  const texts: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  if (texts.length === 0) report("secret", "must hold at least one text, or be left out");
  for (const [index, text] of texts.entries()) {
    const path = Array.isArray(secret) ? `secret[${index}]` : "secret";
    if (typeof text !== "string" && !(text instanceof Secret)) report(path, "must be text");
    else if (Buffer.byteLength(revealed(text)) < shortestSecret) {
      report(path, `must be ${shortestSecret} bytes or longer; openssl rand -base64 32 makes one`);
    }
  }
}

function checkStore(root: Readonly<Record<string, unknown>>, report: Report): StoreChoice | undefined {
  const { storeCa } = root;
  const ca = typeof storeCa === "string" && storeCa !== "" ? restoreLineBreaks(storeCa) : undefined;
  const store = readStoreChoice(root["store"], ca);
  if ("problem" in store) {
    report("store", store.problem);
    return undefined;
  }
  checkAuthority("storeCa", ca, report);
  if (ca !== undefined && !(store.kind === "redis" && store.address.tls))
    report(
      "storeCa",
      "is for a Redis store with TLS: rediss://…, or ?tls=true with redis+sentinel and redis+cluster",
    );
  return store;
}

function checkSession(root: Readonly<Record<string, unknown>>, report: Report): void {
  const { renewBefore, maxLifetime = 28_800_000 } = groupOf(root, "session");
  const tenant = groupOf(root, "tenant");
  const { sessionLifetime = tenantLimits(kindOf(tenant), {}).sessionLifetime } = tenant;
  if (typeof renewBefore !== "number") return;
  for (const [name, lifetime] of [
    ["session.maxLifetime", maxLifetime],
    ["tenant.sessionLifetime", sessionLifetime],
  ] as const) {
    if (typeof lifetime !== "number" || renewBefore < lifetime) continue;
    report("session.renewBefore", `must be less than ${name}, which is ${formatDuration(lifetime)}`);
  }
}

function checkPolicy(root: Readonly<Record<string, unknown>>, report: Report): void {
  const policy = groupOf(root, "policy");
  const trustsPages = groupOf(root, "unsafe")["foreignScriptOnAppOrigin"] === true || hasOwnHost(root);
  for (const [index, name] of textsOf(policy["presets"])) {
    const problem = presetProblem(name, trustsPages);
    if (problem !== null) report(`policy.presets[${index}]`, problem);
  }
  for (const key of ["allow", "deny"] as const) {
    for (const [index, line] of textsOf(policy[key])) {
      const rule = parseRule(line);
      if ("problem" in rule) report(`policy.${key}[${index}]`, rule.problem);
    }
  }
}

/** Pages of the tenant run foreign script; only the operator can say that it may run as the application. rules R2 */
function presetProblem(name: string, trustsPages: boolean): string | null {
  const names = Object.keys(presets);
  if (!names.includes(name)) {
    const near = nearestName(name, names);
    const hint = near === null ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
    return `"${name}" is not a known preset; ${hint}`;
  }
  if (!presetsWithPages.has(name) || trustsPages) return null;
  return (
    `"${name}" lets pages and extensions of the tenant run their scripts with all rights of your application, on its ` +
    "origin; give the proxy a host name of its own and say so with root.ownHost: true. On your application's host name it " +
    "needs unsafe.foreignScriptOnAppOrigin: true, which is refused when NODE_ENV is production"
  );
}

function checkUnsafe(
  unsafe: Readonly<Record<string, unknown>>,
  environment: Readonly<NodeJS.ProcessEnv>,
  report: Report,
): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    report(
      "NODE_TLS_REJECT_UNAUTHORIZED",
      "is 0 in the environment: anybody could stand in for the tenant; remove it and name the authority in tenant.ca",
    );
  }
  if (environment["NODE_ENV"] !== "production") return;
  for (const [key, value] of Object.entries(unsafe)) {
    if (value === true) report(`unsafe.${key}`, "is refused because NODE_ENV is production");
  }
}

function checkAuthority(path: string, ca: unknown, report: Report): void {
  if (typeof ca !== "string" || ca === "") return;
  try {
    const authority = new X509Certificate(restoreLineBreaks(ca));
    if (ca.includes("PRIVATE KEY")) report(path, "holds a private key; only the certificate belongs here");
    if (Date.parse(authority.validTo) < Date.now()) report(path, `has expired on ${authority.validTo}`);
  } catch {
    report(path, "is not a certificate in PEM");
  }
}

function makeSigningKeys(value: unknown, report: Report): readonly AssertionKey[] {
  if (!Array.isArray(value)) return [];
  const seen = new Map<string, number>();
  return value.flatMap((item: unknown, index) => {
    const parts = toSigningKeyParts(item);
    if (parts === null) return [];
    const path = `tenant.signingKeys[${index}]`;
    const key = createAssertionKey(parts, (part, message) => report(`${path}.${part}`, message));
    const name = JSON.stringify([parts.issuer, parts.keyId]);
    const earlier = seen.get(name);
    if (earlier !== undefined) report(path, `has the issuer and key id of tenant.signingKeys[${earlier}]`);
    seen.set(name, index);
    return key === undefined ? [] : [key];
  });
}
