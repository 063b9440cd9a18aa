import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";

/** A key that tokens are checked with, and what may be signed with it. */
export interface PublicKey {
  readonly key: KeyObject;
  /** Never one that works with a shared secret: a public key would be taken for the secret. RFC 8725 §3.1 */
  readonly algorithms: readonly string[];
}

const rsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;

const curveAlgorithms: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ["ES256"],
  secp384r1: ["ES384"],
  secp521r1: ["ES512"],
};

/** Every algorithm that a provider's published keys may be used with; each key narrows it further. */
export const signatureAlgorithms: readonly string[] = [
  ...rsaAlgorithms,
  ...Object.values(curveAlgorithms).flat(),
  "EdDSA",
  "Ed25519",
];

/** Shorter RSA keys do not count as safe any more. Bits; RFC 7518 §3.3 */
const shortestRsa = 2048;

/** Reads a public key, or the one in a certificate, from PEM; why it cannot be used, in words that do not repeat it. */
export function readPublicKey(pem: string): PublicKey | { readonly problem: string } {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    return { problem: "is a private key: give the public one, and keep this one where it signs" };
  if (!pem.includes("-----BEGIN ")) return { problem: "is not a public key in PEM" };
  let key: KeyObject;
  try {
    key = pem.includes("-----BEGIN CERTIFICATE-----")
      ? new X509Certificate(pem).publicKey
      : createPublicKey(pem);
  } catch {
    return { problem: "cannot be read as a public key or a certificate in PEM" };
  }
  const algorithms = algorithmsOf(key);
  return typeof algorithms === "string" ? { problem: algorithms } : { key, algorithms };
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] | string {
  if (asymmetricKeyType === "ed25519") return ["EdDSA", "Ed25519"];
  if (asymmetricKeyType === "ec")
    return (
      curveAlgorithms[asymmetricKeyDetails?.namedCurve ?? ""] ?? "must be on the curve P-256, P-384 or P-521"
    );
  if (asymmetricKeyType !== "rsa") return "must be an RSA, EC or Ed25519 key";
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  return bits < shortestRsa ? `must have ${shortestRsa} bits or more, not ${bits}` : rsaAlgorithms;
}
