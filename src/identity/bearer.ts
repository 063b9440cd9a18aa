import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { SessionProxyError } from "../errors.ts";
import { onlyCookie } from "../http/request-cookies.ts";
import { headerValues, type RawHeaders } from "../http/raw-headers.ts";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { Memo } from "../kernel/memo.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import { standingIdentity } from "./checked-identity.ts";
import { type ClaimNames, mapClaims } from "./claim-mapping.ts";
import type { Identify } from "./identify.ts";
import type { Identity, Named } from "./identity.ts";
import type { KeySet } from "./key-set.ts";

/** Where the token is, and what it has to say. */
export interface BearerOptions {
  /** `header`: lower-case name; `Authorization` has the scheme Bearer, others may leave it out. */
  readonly place: { readonly header: string } | { readonly cookie: string };
  readonly keys: KeySet;
  /** Exactly as the token's `iss`. */
  readonly issuer: string;
  /** What the token's `aud` is, or holds. */
  readonly audience: string;
  readonly claims: ClaimNames;
  /** The machine's by default. */
  readonly clock?: Clock;
}

/** Clocks of two machines in one network are closer together than this. Milliseconds. */
const clockTolerance = 60_000;

/** Verified tokens that are remembered by their hash. */
const knownTokens = 10_000;

/** Tokens are a few KiB; the front door's limit on headers is 8 KiB with most. Characters. */
const longestToken = 16 * 1024;

interface Verified {
  readonly identity: Identity;
  readonly expiresAt: number;
  readonly version: number;
}

/**
 * Makes an identity source out of signed tokens (JWT) that come with each request. A token's `exp` ends what it vouches for,
 * its `iat` is when it was vouched. rules R1, R14
 *
 * The source throws `QSP-UNAUTHENTICATED` with the reason for a token that does not count, and `QSP-IDENTITY` 503 where the
 * provider's keys cannot be read.
 */
export function createBearerIdentify(options: BearerOptions): Identify {
  const { keys, clock = systemClock } = options;
  // Earned by: a signature costs more than the rest of the door; a page sends the same token with each of its requests.
  const known = new Memo<Verified>(knownTokens);
  const verifying = createSingleFlight<string, Identity>();
  return (request: IncomingMessage): Named => {
    const token = readToken(request.rawHeaders, options.place);
    if (token === null) return null;
    const hash = createHash("sha256").update(token).digest("base64");
    const before = known.get(hash);
    if (before?.version === keys.version() && before.expiresAt > clock.now()) return before.identity;
    return verifying.run(hash, async () => {
      const { payload, version } = await verify(token, options, clock.now());
      const identity = toIdentity(payload, options.claims, { now: clock.now(), before: before?.identity });
      known.keep(hash, { identity, expiresAt: identity.expiresAt ?? 0, version });
      return identity;
    });
  };
}

const refused = (reason: string): SessionProxyError =>
  new SessionProxyError("QSP-UNAUTHENTICATED", { reason: `identity.bearer: the token ${reason}` });

/** The token of a request; null where it carries none. A second one is not an alternative but an attempt. */
function readToken(raw: RawHeaders, place: BearerOptions["place"]): string | null {
  if ("cookie" in place) return onlyCookie(raw, place.cookie) || null;
  const values = headerValues(raw, place.header);
  if (values.length === 0) return null;
  if (values.length > 1) throw refused("comes twice");
  const [value = ""] = values;
  const inScheme = /^Bearer +(\S+)$/i.exec(value)?.[1];
  // Basic and the like are somebody else's business.
  if (inScheme !== undefined || place.header === "authorization") return inScheme ?? null;
  return value === "" ? null : value;
}

async function verify(
  token: string,
  { keys, issuer, audience }: BearerOptions,
  now: number,
): Promise<{ readonly payload: JWTPayload; readonly version: number }> {
  if (token.length > longestToken) throw refused(`is longer than ${longestToken} characters`);
  let version = 0;
  const keyOf: JWTVerifyGetKey = async (header, jws) => {
    const found = await keys.find(header, jws);
    version = found.version;
    return found.key;
  };
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: [...keys.algorithms],
      issuer,
      audience,
      requiredClaims: ["exp"],
      clockTolerance: clockTolerance / 1000,
      currentDate: new Date(now),
    });
    if (payload.iat !== undefined && payload.iat * 1000 > now + clockTolerance)
      throw refused("is from the future: compare the clocks of the provider and of this machine");
    return { payload, version };
  } catch (error) {
    if (error instanceof SessionProxyError) throw error;
    throw refused(inWords(error));
  }
}

/** Claims whose name may be told; others are the token's own words. */
const checkedClaims = new Set(["iss", "aud", "exp", "nbf", "iat"]);

function inWords(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    const claim = checkedClaims.has(error.claim) ? `"${error.claim}"` : "a claim";
    return error.reason === "missing" ? `has no ${claim}` : `does not have the ${claim} that is asked for`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "is signed with an algorithm that is not allowed";
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return "is not signed with the key that it names";
  if (error instanceof errors.JWKSNoMatchingKey)
    return "is signed with a key that the provider does not publish";
  if (error instanceof errors.JWKSMultipleMatchingKeys) return "does not say which of several keys signed it";
  if (error instanceof errors.JOSENotSupported) return "uses something that is not supported";
  return "is not a signed token (JWT)";
}

/** Frozen and remembered; checked here, so that what does not count is nobody and not a failure. */
function toIdentity(
  payload: JWTPayload,
  claims: ClaimNames,
  { now, before }: { readonly now: number; readonly before: Identity | undefined },
): Identity {
  const mapped = mapClaims(payload, claims);
  if ("problem" in mapped) throw refused(`cannot be used: ${mapped.problem}`);
  try {
    return standingIdentity({
      ...mapped.identity,
      expiresAt: (payload.exp ?? 0) * 1000,
      evidenceAt: before?.evidenceAt ?? evidenceOf(payload, now),
    });
  } catch (error) {
    throw refused(`cannot be used: ${error instanceof Error ? error.message : "its claims"}`);
  }
}

/**
 * When the provider vouched, as its clock says, at the time `now` at which the token is first seen. A clock that is ahead would
 * put that behind a log-out in between, so that a token from the future counts from when it was issued at the earliest. A token
 * that does not say when it was issued never brings somebody back after a log-out. rules R1
 */
function evidenceOf({ iat }: JWTPayload, now: number): number {
  if (iat === undefined) return 0;
  const issuedAt = iat * 1000;
  return issuedAt > now ? issuedAt - clockTolerance : issuedAt;
}
