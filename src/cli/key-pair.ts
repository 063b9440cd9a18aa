import { createHash, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { generate } from "selfsigned";

/** What `keygen` can make. */
export const keyAlgorithms = ["RS256", "RS512", "ES384"] as const;

/** An algorithm that `keygen` can make a key for. */
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** A new key pair, ready to be registered. */
export interface KeyPair {
  /** PKCS #8 in PEM. */
  readonly privateKey: string;
  /** Self-signed, PEM. */
  readonly certificate: string;
  /** Month and a part of the public key's hash: tells keys apart, and says which is the older one. */
  readonly keyId: string;
}

const makeKeyPair = promisify(generateKeyPair);

/** As long as the vendor's recipe lets a certificate live. facts §1.2 */
const certificateDays = 1825;

/** Makes a key pair; an RSA key of `bits` bits, 4096 by default as in the vendor's recipe. facts §1.2 */
export async function createKeyPair(alg: KeyAlgorithm, bits = 4096): Promise<KeyPair> {
  const { privateKey, publicKey } = await makeKeys(alg, bits);
  const now = new Date();
  const pem = {
    privateKey: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicKey: String(publicKey.export({ type: "spki", format: "pem" })),
  };
  const { cert } = await generate([{ name: "commonName", value: "qlik-session-proxy" }], {
    keyPair: pem,
    keyType: alg === "ES384" ? "ec" : "rsa",
    ...(alg === "ES384" ? { curve: "P-384" as const } : {}),
    algorithm: alg === "RS256" ? "sha256" : alg === "RS512" ? "sha512" : "sha384",
    notBeforeDate: now,
    notAfterDate: new Date(now.getTime() + certificateDays * 86_400_000),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
    ],
  });
  return {
    privateKey: pem.privateKey,
    certificate: `${cert.trim().replaceAll("\r\n", "\n")}\n`,
    keyId: keyIdOf(publicKey, now),
  };
}

/** The id of a public key that was made at a time; the same as long as both are. */
export function keyIdOf(publicKey: KeyObject, madeAt: Date): string {
  const hash = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
  return `${madeAt.toISOString().slice(0, 7)}-${hash.slice(0, 8)}`;
}

const makeKeys = (
  alg: KeyAlgorithm,
  bits: number,
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }> =>
  alg === "ES384"
    ? makeKeyPair("ec", { namedCurve: "P-384" })
    : makeKeyPair("rsa", { modulusLength: bits, publicExponent: 0x10001 });
