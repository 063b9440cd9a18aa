import { isHeaderName } from "../http/raw-headers.ts";
import { revealed, Secret } from "../kernel/secret.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import { type Backend, tenantKinds, type TenantKind } from "../tenant/backend.ts";
import { createCloudJwt } from "../tenant/cloud-jwt/backend.ts";
import { createCloudOauth } from "../tenant/cloud-oauth/backend.ts";
import type { OauthClient } from "../tenant/cloud-oauth/token.ts";
import { createSenseJwt } from "../tenant/sense-jwt/backend.ts";
import type { VirtualProxy } from "../tenant/sense-jwt/bootstrap.ts";
import { originProblem } from "./origin.ts";

type Report = (path: string, message: string) => void;
type Given = Readonly<Record<string, unknown>>;

/** What only some kinds have, with its defaults; `null` where there is no default and the kind needs it. */
export const kindKeys: Readonly<Record<TenantKind, Readonly<Record<string, string | null | undefined>>>> = {
  "qlik-cloud-jwt": { signingKeys: null, sessionIdle: undefined },
  "qlik-cloud-oauth": {
    clientId: null,
    clientSecret: null,
    scope: "user_default",
    userLookup: "subject",
  },
  "qlik-sense-jwt": {
    signingKeys: null,
    sessionIdle: undefined,
    virtualProxy: "jwt",
    sessionCookie: "X-Qlik-Session-jwt",
    userDirectory: null,
    userIdClaim: "userId",
    userDirectoryClaim: "userDirectory",
    socketOrigin: undefined,
  },
};

const minute = 60_000;
const hour = 60 * minute;

/** The tenant's own limits where nothing else is said. Milliseconds; facts §2.3, §9, §10.2 */
const usualLimits: Readonly<Record<TenantKind, { readonly idle: number; readonly lifetime: number }>> = {
  "qlik-cloud-jwt": { idle: 30 * minute, lifetime: 24 * hour },
  // A token ends when it says so, used or not.
  "qlik-cloud-oauth": { idle: Number.POSITIVE_INFINITY, lifetime: 6 * hour },
  "qlik-sense-jwt": { idle: 30 * minute, lifetime: 24 * hour },
};

/** The tenant's own limits: what the operator said, else what is usual for the kind. */
export function tenantLimits(
  kind: TenantKind,
  given: { readonly sessionIdle?: number | undefined; readonly sessionLifetime?: number | undefined },
): { readonly sessionIdle: number; readonly sessionLifetime: number } {
  const usual = usualLimits[kind];
  return {
    sessionIdle: given.sessionIdle ?? usual.idle,
    sessionLifetime: given.sessionLifetime ?? usual.lifetime,
  };
}

/** How long a login may take where nothing else is said: a Qlik Sense that was at rest needs 15 to 21 s. Milliseconds; facts §10.2 */
export const usualLoginTimeout = (kind: TenantKind): number => (kind === "qlik-sense-jwt" ? 30_000 : 10_000);

/** The kind that a configuration names; Qlik Cloud by signed token where it names none that there is. */
export const kindOf = (tenant: Given): TenantKind =>
  tenantKinds.find((each) => each === tenant["kind"]) ?? "qlik-cloud-jwt";

/** Reports keys of other kinds, and keys of this one that are missing. */
export function checkTenantKeys(tenant: Given, report: Report): void {
  const kind = kindOf(tenant);
  const own = kindKeys[kind];
  for (const key of Object.keys(tenant)) {
    if (tenant[key] === undefined || Object.hasOwn(own, key)) continue;
    const others = tenantKinds.filter((each) => Object.hasOwn(kindKeys[each], key));
    if (others.length === 0) continue;
    report(`tenant.${key}`, `is for tenant.kind ${others.join(" and ")}; here the kind is ${kind}`);
  }
  for (const [key, fallback] of Object.entries(own)) {
    if (fallback === null && tenant[key] === undefined) report(`tenant.${key}`, "is missing");
  }
  if (kind === "qlik-cloud-oauth") checkSecret(tenant["clientSecret"], report);
  if (kind === "qlik-sense-jwt") checkSense(tenant, report);
}

function checkSecret(secret: unknown, report: Report): void {
  if (secret === undefined) return;
  if (typeof secret !== "string" && !(secret instanceof Secret)) {
    report("tenant.clientSecret", "must be text");
  } else if (revealed(secret).trim() === "") report("tenant.clientSecret", "must not be empty");
}

/** As the management console takes them: a prefix of one segment, and a name that a cookie can have. facts §10.1 */
function checkSense(tenant: Given, report: Report): void {
  const { virtualProxy, sessionCookie, socketOrigin, userIdClaim, userDirectoryClaim } = tenant;
  if (typeof virtualProxy === "string" && !/^[A-Za-z0-9_-]{1,100}$/.test(virtualProxy)) {
    report("tenant.virtualProxy", "must be the prefix alone, without a slash: letters, digits, - and _");
  }
  if (typeof sessionCookie === "string" && sessionCookie !== "" && !isHeaderName(sessionCookie)) {
    report("tenant.sessionCookie", "is not the name of a cookie");
  }
  if (typeof socketOrigin === "string" && socketOrigin !== "") {
    const problem = originProblem(socketOrigin, { plainHttp: true, plainHttpKey: "" });
    if (problem !== null) report("tenant.socketOrigin", problem);
  }
  if (typeof userIdClaim === "string" && userIdClaim === (userDirectoryClaim ?? "userDirectory")) {
    report("tenant.userIdClaim", "must be another claim than tenant.userDirectoryClaim");
  }
}

/** What a kind has of its own, under the names of the file. */
export type KindSettings = Partial<OauthClient & Omit<VirtualProxy, "name">> & {
  readonly virtualProxy?: string;
  readonly socketOrigin?: string;
};

/** Fills in the defaults of a kind, in a configuration without problems. */
export function kindSettings(tenant: Given): KindSettings {
  const entries = Object.entries(kindKeys[kindOf(tenant)]).flatMap(([key, fallback]) => {
    const value = tenant[key] ?? fallback;
    const isOwn = key !== "signingKeys" && key !== "sessionIdle";
    return isOwn && value !== undefined && value !== null ? [[key, value] as const] : [];
  });
  const { clientSecret, ...settings } = Object.fromEntries(entries);
  const isSecret = typeof clientSecret === "string" || clientSecret instanceof Secret;
  return { ...settings, ...(isSecret ? { clientSecret: new Secret(revealed(clientSecret)) } : {}) };
}

/** Makes the way to sign users in; undefined where something that it needs was reported. */
export function createBackend(
  place: { readonly kind: TenantKind; readonly origin: string },
  settings: KindSettings,
  signingKey: AssertionKey | undefined,
): Backend | undefined {
  const { kind, origin } = place;
  if (kind === "qlik-cloud-oauth") return createCloudOauth({ origin, client: settings as OauthClient });
  if (signingKey === undefined) return undefined;
  if (kind === "qlik-cloud-jwt") return createCloudJwt({ origin, signingKey });
  const { virtualProxy: name = "", socketOrigin = origin, ...named } = settings;
  const virtualProxy = { ...named, name } as VirtualProxy;
  return createSenseJwt({ origin, virtualProxy, socketOrigin, signingKey });
}
