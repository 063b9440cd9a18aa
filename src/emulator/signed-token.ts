import { createPublicKey, verify, X509Certificate, type KeyObject } from "node:crypto";

/** Why a login token was refused; the text is the `detail` of the tenant's error. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
}

/** A token taken apart; nothing in it is verified yet. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

function decodePart(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError("not an object");
  return value as Record<string, unknown>;
}

/** Takes a compact token apart. */
export function decodeToken(token: string): DecodedToken {
  const parts = token.split(".");
  const [header, claims, signature] = parts;
  if (parts.length !== 3 || header === undefined || claims === undefined || signature === undefined)
    throw new TokenRefused("unable to decode jwt");
  try {
    return {
      header: decodePart(header),
      claims: decodePart(claims),
      signingInput: Buffer.from(`${header}.${claims}`),
      signature: Buffer.from(signature, "base64url"),
    };
  } catch {
    throw new TokenRefused("unable to decode jwt");
  }
}

interface Algorithm {
  readonly hash: "sha256" | "sha384" | "sha512";
  readonly keyType: "rsa" | "ec";
  readonly curve?: string;
}

/** The algorithms that a tenant takes: facts §1.2. */
const algorithms: ReadonlyMap<unknown, Algorithm> = new Map([
  ["RS256", { hash: "sha256", keyType: "rsa" }],
  ["RS384", { hash: "sha384", keyType: "rsa" }],
  ["RS512", { hash: "sha512", keyType: "rsa" }],
  ["ES256", { hash: "sha256", keyType: "ec", curve: "prime256v1" }],
  ["ES384", { hash: "sha384", keyType: "ec", curve: "secp384r1" }],
]);

/** Smallest RSA key in bits: facts §1.2. */
const MIN_RSA_BITS = 2048;

function checkKey(key: KeyObject, algorithm: Algorithm): void {
  if (key.asymmetricKeyType !== algorithm.keyType) throw new TokenRefused("invalid algorithm");
  const details = key.asymmetricKeyDetails;
  if (algorithm.keyType === "rsa" && (details?.modulusLength ?? 0) < MIN_RSA_BITS)
    throw new TokenRefused("key too small");
  if (algorithm.curve !== undefined && details?.namedCurve !== algorithm.curve)
    throw new TokenRefused("invalid algorithm");
}

/** Reads the public key of a certificate or SPKI PEM: facts §1.2. */
function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new TokenRefused("unable to decode jwt");
  }
}

/** Refuses a certificate outside its dates; a bare public key has none. */
export function checkCertificateDates(pem: string, now: number): void {
  if (!pem.includes("BEGIN CERTIFICATE")) return;
  const certificate = new X509Certificate(pem);
  if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo))
    throw new TokenRefused("certificate is not within its validity dates");
}

/** Verifies a token's signature with the algorithm it names, if the tenant takes that algorithm with this key. */
export function verifySignature(token: DecodedToken, pem: string): void {
  const algorithm = algorithms.get(token.header["alg"]);
  if (algorithm === undefined) throw new TokenRefused("invalid algorithm");
  const key = readPublicKey(pem);
  checkKey(key, algorithm);
  const isTrue = verify(
    algorithm.hash,
    token.signingInput,
    { key, dsaEncoding: "ieee-p1363" },
    token.signature,
  );
  if (!isTrue) throw new TokenRefused("invalid signature");
}
