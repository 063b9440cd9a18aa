import type * as Jose from "jose";
import { unreachable } from "./provider-failure.ts";
import { clockTolerance, lacking, type Provider } from "./provider.ts";

/** A token that orders a log-out, after all checks but that of its use. */
export interface LogoutToken {
  readonly jti: string;
  /** Seconds, by the provider's clock. */
  readonly issuedAt: number;
  readonly sid: string | null;
  readonly sub: string | null;
}

/** What a token has to fit. */
export interface LogoutTokenOptions {
  readonly provider: Provider;
  readonly issuer: string;
  readonly clientId: string;
  /** Milliseconds for one look at the provider's keys. */
  readonly timeout: number;
  readonly now: () => number;
}

/** A token that does not count; the message is for the log. */
export class BadLogoutToken extends Error {
  override readonly name = "BadLogoutToken";
}

/** @see OpenID Connect Back-Channel Logout §2.4 */
const event = "http://schemas.openid.net/event/backchannel-logout";

/** What a provider signs with its private keys; never a secret that we have too, and never nothing. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Types of token that may be one; older providers give none, or the general one. */
const types = new Set([undefined, "logout+jwt", "application/logout+jwt", "jwt"]);

/** An older token is not taken, clocks apart. Seconds. */
const longestAge = 300;

/** Unknown key ids make us look for new keys at most this often. Milliseconds. attacks D4 */
const keyCooldown = 30_000;

/** The longest name of a session, a person or a token. Characters. */
const longestName = 512;

/** Reads the tokens by which a provider orders a log-out; everybody may send us some. */
export class LogoutTokens {
  readonly #options: LogoutTokenOptions;
  #keys: { readonly address: string; readonly set: Jose.JWTVerifyGetKey } | null = null;

  constructor(options: LogoutTokenOptions) {
    this.#options = options;
  }

  /** @throws BadLogoutToken; SessionProxyError `QSP-IDENTITY` where the keys cannot be had */
  async read(token: string): Promise<LogoutToken> {
    const jose = await import("jose");
    // Before anybody is asked for keys: what does not even claim to be for us costs nothing.
    this.#preview(jose, token);
    const keys = await this.#keySet(jose);
    const { issuer, clientId, now } = this.#options;
    let verified: Jose.JWTVerifyResult;
    try {
      verified = await jose.jwtVerify(token, keys, {
        issuer,
        audience: clientId,
        algorithms,
        clockTolerance,
        maxTokenAge: longestAge,
        requiredClaims: ["iat", "jti", "events"],
        currentDate: new Date(now()),
      });
    } catch (cause) {
      throw isOwnWord(jose, cause) ? new BadLogoutToken(cause.code, { cause }) : unreachable(cause);
    }
    return toLogoutToken(verified);
  }

  #preview(jose: typeof Jose, token: string): void {
    const { issuer, clientId } = this.#options;
    let claims: Jose.JWTPayload;
    try {
      claims = jose.decodeJwt(token);
    } catch (cause) {
      throw new BadLogoutToken("not a token", { cause });
    }
    const isOurs = [claims.aud].flat().includes(clientId);
    if (claims.iss !== issuer || !isOurs) throw new BadLogoutToken("of another issuer, or for others");
  }

  async #keySet(jose: typeof Jose): Promise<Jose.JWTVerifyGetKey> {
    const { jwks_uri: address } = await this.#options.provider.metadata();
    if (address === undefined) throw lacking("jwks_uri");
    if (this.#keys?.address === address) return this.#keys.set;
    const { timeout: timeoutDuration } = this.#options;
    const set = jose.createRemoteJWKSet(new URL(address), { timeoutDuration, cooldownDuration: keyCooldown });
    this.#keys = { address, set };
    return set;
  }
}

/** Whether the token is at fault, and not the way to the keys. */
function isOwnWord(jose: typeof Jose, failure: unknown): failure is Jose.errors.JOSEError {
  if (!(failure instanceof jose.errors.JOSEError)) return false;
  const { code } = failure;
  // The general code stands for an answer that is no key set at all.
  return code !== "ERR_JWKS_TIMEOUT" && code !== "ERR_JWKS_INVALID" && code !== "ERR_JOSE_GENERIC";
}

function toLogoutToken({ payload, protectedHeader }: Jose.JWTVerifyResult): LogoutToken {
  const { jti, iat = 0, sub, sid, events, nonce } = payload;
  if (!types.has(protectedHeader.typ?.toLowerCase())) throw new BadLogoutToken("of another type");
  // The mark of an ID token, which must not pass for one of these.
  if (nonce !== undefined) throw new BadLogoutToken("with a nonce");
  if (!isObject(events) || !isObject(events[event])) throw new BadLogoutToken("without the event");
  const names = { sid: nameIn(sid), sub: nameIn(sub) };
  if (names.sid === null && names.sub === null) throw new BadLogoutToken("without sid and sub");
  const id = nameIn(jti);
  if (id === null) throw new BadLogoutToken("without jti");
  return { jti: id, issuedAt: iat, ...names };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function nameIn(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && value !== "" && value.length <= longestName) return value;
  throw new BadLogoutToken("with a sid, sub or jti that is not a name");
}
