import type { EmulatorClock } from "./clock.ts";
import type { TenantModes } from "./modes.ts";
import { checkCertificateDates, decodeToken, TokenRefused, verifySignature } from "./signed-token.ts";
import type { Person } from "./users.ts";

/** A JWT identity provider of the tenant: one issuer, one key (facts §1.1). */
export interface IdentityProvider {
  /** Free text; equals the claim `iss`. */
  readonly issuer: string;
  /** Equals the header `kid`. */
  readonly keyId: string;
  /** Certificate or SPKI public key (facts §1.2). */
  readonly pem: string;
  /** Seconds by which clocks may differ; 0 by default (facts §1.1). */
  readonly clockToleranceSec?: number;
}

/** The identity providers of the tenant. */
export interface IdentityProviders {
  add(provider: IdentityProvider): void;
  remove(issuer: string, keyId: string): void;
  list(): readonly IdentityProvider[];
  /** Verifies a login token by every rule of facts §1.2 to §1.4 and uses it up. Throws `TokenRefused`. */
  accept(token: string): Person;
}

/** Exactly this audience: facts §1.3. */
const AUDIENCE = "qlik.api/login/jwt-session";

/** `exp` is at most this many seconds after `nbf`: facts §1.3. */
const MAX_LIFETIME = 3600;

type Claims = Readonly<Record<string, unknown>>;

function requiredClaims(modes: TenantModes): readonly string[] {
  return [
    "iss",
    "aud",
    "sub",
    ...(modes.requireSubType ? ["subType"] : []),
    "name",
    ...(modes.requireEmail ? ["email", "email_verified"] : []),
    ...(modes.requireJti ? ["jti"] : []),
    "iat",
    "nbf",
    "exp",
  ];
}

function checkPresence(claims: Claims, modes: TenantModes): void {
  for (const name of requiredClaims(modes))
    if (claims[name] === undefined || claims[name] === null || claims[name] === "")
      throw new TokenRefused(`Missing required claim: ${name}`);
}

/** What each claim must look like when it is there. */
const claimShapes: Readonly<Record<string, (value: unknown) => boolean>> = {
  sub: (value) => typeof value === "string",
  subType: (value) => value === "user",
  name: (value) => typeof value === "string",
  email: (value) => typeof value === "string",
  email_verified: (value) => typeof value === "boolean",
  // A support example of the vendor uses a number: facts §1.3.
  jti: (value) => typeof value === "string" || typeof value === "number",
  iat: Number.isFinite,
  nbf: Number.isFinite,
  exp: Number.isFinite,
  groups: (value) => Array.isArray(value) && value.every((group) => typeof group === "string"),
  aud: (value) => value === AUDIENCE || (Array.isArray(value) && value.length === 1 && value[0] === AUDIENCE),
};

function checkShapes(claims: Claims): void {
  for (const [name, isRight] of Object.entries(claimShapes))
    if (claims[name] !== undefined && !isRight(claims[name]))
      throw new TokenRefused(`Invalid claim: ${name}`);
}

function checkTimes(claims: Claims, now: number, tolerance: number): void {
  const notBefore = Number(claims["nbf"]);
  const expiry = Number(claims["exp"]);
  if (expiry - notBefore > MAX_LIFETIME)
    throw new TokenRefused(`exp is more than ${MAX_LIFETIME} seconds after nbf`);
  if (notBefore > now + tolerance) throw new TokenRefused("jwt not active");
  if (now >= expiry + tolerance) throw new TokenRefused("jwt expired");
}

/** Remembers token ids until nothing could be accepted with them any more (facts §1.4). */
function createUsedTokens(): { use(id: string, until: number, now: number): boolean } {
  const until = new Map<string, number>();
  return {
    use(id, expiry, now) {
      for (const [known, end] of until) if (end < now) until.delete(known);
      if (until.has(id)) return false;
      until.set(id, expiry);
      return true;
    },
  };
}

function toPerson(claims: Claims): Person {
  const email = claims["email"];
  return {
    subject: String(claims["sub"]),
    name: String(claims["name"]),
    ...(typeof email === "string" ? { email } : {}),
    groups: (claims["groups"] as readonly string[] | undefined) ?? [],
  };
}

/** Creates the identity providers of a tenant. */
export function createIdentityProviders(
  clock: EmulatorClock,
  modes: TenantModes,
  initial: readonly IdentityProvider[],
): IdentityProviders {
  const providers: IdentityProvider[] = [...initial];
  const used = createUsedTokens();
  return {
    add(provider) {
      providers.push(provider);
    },
    remove(issuer, keyId) {
      const index = providers.findIndex((each) => each.issuer === issuer && each.keyId === keyId);
      if (index >= 0) providers.splice(index, 1);
    },
    list: () => [...providers],
    accept(token) {
      const decoded = decodeToken(token);
      const { header, claims } = decoded;
      if (typeof header["kid"] !== "string") throw new TokenRefused("Missing required header: kid");
      const provider = providers.find(
        (each) => each.issuer === claims["iss"] && each.keyId === header["kid"],
      );
      if (claims["iss"] !== undefined && provider === undefined)
        throw new TokenRefused("no identity provider for this issuer and key id");
      if (provider !== undefined) {
        if (modes.enforceCertificateDates) checkCertificateDates(provider.pem, clock.now());
        verifySignature(decoded, provider.pem);
      }
      checkPresence(claims, modes);
      checkShapes(claims);
      const now = Math.floor(clock.now() / 1000);
      const tolerance = provider?.clockToleranceSec ?? 0;
      checkTimes(claims, now, tolerance);
      const id = JSON.stringify([claims["iss"], claims["jti"]]);
      if (modes.requireJti && !used.use(id, Number(claims["exp"]) + tolerance, now))
        throw new TokenRefused("jti already used");
      return toPerson(claims);
    },
  };
}
