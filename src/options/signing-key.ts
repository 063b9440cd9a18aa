import { createPrivateKey, createPublicKey, KeyObject, sign } from "node:crypto";
import { Secret } from "../kernel/secret.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import { isPlainObject } from "./check-shape.ts";

type Algorithm = AssertionKey["alg"];

/** A signer outside this process, such as a key management service. */
export interface ExternalSigner {
  /** RS256, RS384, RS512, ES256 or ES384. */
  readonly alg: Algorithm;
  /** Signs `data`; ECDSA signatures in the IEEE P1363 form. @see RFC 7518 §3.4 */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** One key as registered at an identity provider of the tenant. */
export interface SigningKeyOptions {
  /** Issuer, exactly as registered. */
  readonly issuer: string;
  /** Key id, exactly as registered. */
  readonly keyId: string;
  /** Private key as PEM (line breaks may be written `\n`), also in a `Secret`; as KeyObject; or a signer outside this process. */
  readonly privateKey: string | Secret | KeyObject | ExternalSigner;
  /** Certificate or public key as registered, in PEM; only compared with the private key. */
  readonly certificate?: string;
  /** RS256, RS384 or RS512 for an RSA key; RS256 by default. An elliptic curve decides by itself: P-256 is ES256, P-384 is ES384. */
  readonly alg?: Algorithm;
}

/** The parts of a signing key before anything is known about them. */
export interface SigningKeyParts {
  readonly issuer: unknown;
  readonly keyId: unknown;
  readonly privateKey: unknown;
  readonly certificate?: unknown;
  readonly alg?: unknown;
}

/** Reports what is wrong with a part of a signing key. */
export type ReportKeyProblem = (part: "privateKey" | "certificate" | "alg", message: string) => void;

const hashes: Readonly<Record<Algorithm, string>> = {
  RS256: "sha256",
  RS384: "sha384",
  RS512: "sha512",
  ES256: "sha256",
  ES384: "sha384",
};

/** Shorter RSA keys are refused by the tenant. facts §1.2 */
const shortestRsaKey = 2048;

/** Makes the key that signs logins; undefined after reporting what is wrong with it. */
export function createAssertionKey(
  parts: SigningKeyParts,
  report: ReportKeyProblem,
): AssertionKey | undefined {
  const { privateKey } = parts;
  const names = { issuer: String(parts.issuer), keyId: String(parts.keyId) };
  if (isExternalSigner(privateKey)) {
    if (!isAlgorithm(privateKey.alg))
      report("privateKey", "its alg must be RS256, RS384, RS512, ES256 or ES384");
    if (parts.alg !== undefined && parts.alg !== privateKey.alg)
      report("alg", "differs from the signer's own alg");
    return { ...names, alg: privateKey.alg, sign: (data) => privateKey.sign(data) };
  }
  const key = readPrivateKey(privateKey, (message) => report("privateKey", message));
  if (key === undefined) return undefined;
  const alg = chooseAlgorithm(key, parts.alg, report);
  checkCertificate(key, parts.certificate, (message) => report("certificate", message));
  return alg === undefined ? undefined : { ...names, alg, sign: (data) => signWith(key, alg, data) };
}

const isAlgorithm = (value: unknown): value is Algorithm =>
  typeof value === "string" && Object.hasOwn(hashes, value);

const isExternalSigner = (value: unknown): value is ExternalSigner =>
  typeof value === "object" && value !== null && "sign" in value && typeof value.sign === "function";

/** Signs in the thread pool: an RSA signature would hold up every other request for a millisecond or more. */
const signWith = (key: KeyObject, alg: Algorithm, data: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    sign(hashes[alg], data, { key, dsaEncoding: "ieee-p1363" }, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });

/** Undoes line breaks that were written as `\n`, as they come out of environment variables and JSON. */
export const restoreLineBreaks = (pem: string): string => pem.replaceAll("\\r", "").replaceAll("\\n", "\n");

function readPrivateKey(given: unknown, report: (message: string) => void): KeyObject | undefined {
  const value = given instanceof Secret ? given.reveal() : given;
  if (value instanceof KeyObject) {
    if (value.type === "private") return value;
    report(`is a ${value.type} key; the private key is needed`);
    return undefined;
  }
  if (typeof value !== "string") {
    if (value !== undefined) report("must be a PEM text, a KeyObject, or { alg, sign(bytes) }");
    return undefined;
  }
  const pem = restoreLineBreaks(value);
  const kind = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  const problem = pemProblem(kind, pem);
  if (problem !== null) {
    report(problem);
    return undefined;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    report(`begins like a PEM private key but cannot be read; was it cut off or changed?`);
    return undefined;
  }
}

function pemProblem(kind: string | undefined, pem: string): string | null {
  if (kind === undefined) return "is not PEM; it must begin with -----BEGIN PRIVATE KEY-----";
  if (kind === "ENCRYPTED PRIVATE KEY" || pem.includes("Proc-Type: 4,ENCRYPTED")) {
    return "is encrypted; decrypt it first: openssl pkey -in encrypted.pem -out key.pem";
  }
  if (kind === "CERTIFICATE") return "is a certificate; the private key is needed here";
  if (kind.endsWith("PUBLIC KEY")) return "is a public key; the private key is needed here";
  return kind.endsWith("PRIVATE KEY") ? null : `holds a ${kind.toLowerCase()}, not a private key`;
}

function chooseAlgorithm(key: KeyObject, wanted: unknown, report: ReportKeyProblem): Algorithm | undefined {
  const possible = possibleAlgorithms(key, (message) => report("privateKey", message));
  if (possible === undefined) return undefined;
  if (wanted === undefined) return possible[0];
  const found = possible.find((alg) => alg === wanted);
  if (found === undefined) report("alg", `must be ${possible.join(" or ")} with this key`);
  return found;
}

function possibleAlgorithms(
  key: KeyObject,
  report: (message: string) => void,
): readonly Algorithm[] | undefined {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") {
    if (modulusLength >= shortestRsaKey) return ["RS256", "RS384", "RS512"];
    report(`is an RSA key of ${modulusLength} bits; the tenant wants ${shortestRsaKey} or more`);
  } else if (key.asymmetricKeyType === "ec") {
    if (namedCurve === "prime256v1") return ["ES256"];
    if (namedCurve === "secp384r1") return ["ES384"];
    report(`is on the curve ${namedCurve ?? "of an unknown name"}; only P-256 and P-384 can be used`);
  } else {
    report(
      `is of the type ${key.asymmetricKeyType ?? "unknown"}; it must be RSA, or elliptic on P-256 or P-384`,
    );
  }
  return undefined;
}

function checkCertificate(key: KeyObject, certificate: unknown, report: (message: string) => void): void {
  if (typeof certificate !== "string") return;
  try {
    const registered = createPublicKey(restoreLineBreaks(certificate));
    if (!registered.equals(createPublicKey(key))) {
      report("does not belong to the private key; the tenant would refuse every login");
    }
    if (certificate.includes("PRIVATE KEY")) report("holds a private key; only the public part belongs here");
  } catch {
    report("is not a certificate or a public key in PEM");
  }
}

/** Tells whether a value could be the object of a signing key at all. */
export const toSigningKeyParts = (value: unknown): SigningKeyParts | null =>
  isPlainObject(value)
    ? {
        issuer: value["issuer"],
        keyId: value["keyId"],
        privateKey: value["privateKey"],
        certificate: value["certificate"],
        alg: value["alg"],
      }
    : null;
