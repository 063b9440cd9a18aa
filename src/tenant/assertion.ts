import { createHash, randomBytes } from "node:crypto";
import { SessionProxyError } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Claims } from "./claims.ts";

/** Signs one assertion; a KeyObject in this process or a key management service outside it. */
export interface AssertionKey {
  /** Issuer as registered at the tenant's identity provider. */
  readonly issuer: string;
  /** Key id as registered at the tenant's identity provider. */
  readonly keyId: string;
  readonly alg: "RS256" | "RS384" | "RS512" | "ES256" | "ES384";
  /** Signs `data`; ECDSA signatures in the IEEE P1363 form that JWS asks for. @see RFC 7518 §3.4 */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** The only audience that the tenant's login accepts. facts §1.3 */
const audience = "qlik.api/login/jwt-session";

/** Seconds that the token is dated back, for tenants whose clock is behind ours. facts §1.3 */
export const backdate = 30;

/** Seconds from now until the token ends; a login takes one round trip. facts §1.3 */
export const lifetime = 120;

/**
 * Makes the signed token for one login attempt, with a `jti` that is never used again (facts §1.3).
 *
 * Assembled by hand rather than by a JWT library, because a signer outside this process takes bytes, not keys.
 */
export function signAssertion(key: AssertionKey, claims: Claims, clock: Clock): Promise<string> {
  return signToken(key, { ...claims, aud: audience }, clock);
}

/** Makes a signed token that says `claims` and is good for one login, now. */
export async function signToken(key: AssertionKey, claims: object, clock: Clock): Promise<string> {
  const now = Math.floor(clock.now() / 1000);
  const header = { alg: key.alg, kid: key.keyId, typ: "JWT" };
  const payload = {
    ...claims,
    iss: key.issuer,
    jti: randomBytes(16).toString("hex"),
    iat: now - backdate,
    nbf: now - backdate,
    exp: now + lifetime,
  };
  const signed = `${encode(header)}.${encode(payload)}`;
  const signature = await key.sign(Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Signs within a time: a key service that hangs must not hold up a login for longer. @throws SessionProxyError */
export async function signInTime(
  key: AssertionKey,
  clock: Clock,
  { timeout, sign }: { readonly timeout: number; readonly sign: () => Promise<string> },
): Promise<string> {
  let cancel = (): void => {};
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.setTimer(timeout, () => reject(new Error("the signer did not answer in time")));
  });
  try {
    return await Promise.race([sign(), tooLate]);
  } catch (cause) {
    throw new SessionProxyError("QSP-TENANT-REFUSED", {
      reason: `the key "${key.keyId}" cannot sign; check the key or the key service`,
      cause,
    });
  } finally {
    cancel();
  }
}

/** Names a signing key without showing its issuer. */
export function signingKeyDigest({ issuer, keyId }: Pick<AssertionKey, "issuer" | "keyId">): string {
  return digestOf(`${issuer}/${keyId}`);
}

/** Names what signs users in; as long as it has to be to tell one from another. */
export const digestOf = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 32);
