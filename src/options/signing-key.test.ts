import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAssertionKey, type SigningKeyParts } from "./signing-key.ts";

const names = { issuer: "acme-portal", keyId: "2026-01" };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;

const pem = (key: KeyObject): string => String(key.export({ type: "pkcs8", format: "pem" }));
const publicPem = (key: KeyObject): string =>
  String(createPublicKey(key).export({ type: "spki", format: "pem" }));

const make = (
  parts: Partial<SigningKeyParts>,
): { readonly key: ReturnType<typeof createAssertionKey>; readonly problems: readonly string[] } => {
  const problems: string[] = [];
  const key = createAssertionKey({ privateKey: undefined, ...names, ...parts }, (part, message) =>
    problems.push(`${part} ${message}`),
  );
  return { key, problems };
};

const data = Buffer.from("header.payload");

describe("createAssertionKey", () => {
  test.each([
    ["RSA as RS256", rsa, undefined, "RS256", "sha256"],
    ["RSA as RS512 when asked", rsa, "RS512", "RS512", "sha512"],
    ["P-256 as ES256", p256, undefined, "ES256", "sha256"],
    ["P-384 as ES384", p384, undefined, "ES384", "sha384"],
  ] as const)("signs with %s", async (_what, privateKey, wanted, alg, hash) => {
    const { key, problems } = make({ privateKey: pem(privateKey), alg: wanted });
    expect(problems).toEqual([]);
    expect(key).toMatchObject({ ...names, alg });
    const signature = await key?.sign(data);
    expect(
      verify(hash, data, { key: createPublicKey(privateKey), dsaEncoding: "ieee-p1363" }, signature ?? data),
    ).toBe(true);
  });

  test("takes a KeyObject, and a PEM with written line breaks", () => {
    expect(make({ privateKey: rsa }).problems).toEqual([]);
    expect(make({ privateKey: pem(rsa).replaceAll("\n", "\\n") }).problems).toEqual([]);
    expect(make({ privateKey: pem(rsa).replaceAll("\n", "\\r\\n") }).problems).toEqual([]);
  });

  test("leaves the signing to a signer outside", async () => {
    const signer = {
      alg: "ES256",
      sign: (bytes: Uint8Array) => Buffer.concat([Buffer.from("signed "), bytes]),
    };
    const { key, problems } = make({ privateKey: signer });
    expect(problems).toEqual([]);
    expect(key?.alg).toBe("ES256");
    expect(String(await key?.sign(data))).toBe("signed header.payload");
  });

  test("takes the certificate or public key that belongs to it", () => {
    expect(make({ privateKey: rsa, certificate: publicPem(rsa) }).problems).toEqual([]);
    expect(make({ privateKey: rsa, certificate: publicPem(p256) }).problems).toEqual([
      "certificate does not belong to the private key; the tenant would refuse every login",
    ]);
  });

  const encrypted = String(
    rsa.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" }),
  );
  const oldEncrypted = String(
    rsa.export({ type: "pkcs1", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" }),
  );
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey;
  const ed25519 = generateKeyPairSync("ed25519").privateKey;

  test.each([
    ["no PEM", { privateKey: "hunter2" }, "privateKey is not PEM"],
    ["a public key", { privateKey: publicPem(rsa) }, "privateKey is a public key"],
    ["a public KeyObject", { privateKey: createPublicKey(rsa) }, "privateKey is a public key"],
    ["an encrypted key", { privateKey: encrypted }, "openssl pkey"],
    ["an encrypted key in the old form", { privateKey: oldEncrypted }, "openssl pkey"],
    ["a key that was cut off", { privateKey: pem(rsa).slice(0, 400) }, "cut off"],
    ["a short RSA key", { privateKey: short }, "1024 bits"],
    ["another curve", { privateKey: p521 }, "P-256 and P-384"],
    ["another kind of key", { privateKey: ed25519 }, "ed25519"],
    ["a number", { privateKey: 42 }, "must be a PEM text"],
    ["an alg of another kind of key", { privateKey: rsa, alg: "ES256" }, "alg must be RS256 or"],
    ["no algorithm", { privateKey: rsa, alg: "none" }, "alg must be RS256 or"],
    ["a symmetric algorithm", { privateKey: rsa, alg: "HS256" }, "alg must be RS256 or"],
    ["a signer without a known alg", { privateKey: { alg: "HS256", sign: () => data } }, "its alg must be"],
    ["a certificate that is none", { privateKey: rsa, certificate: "x" }, "certificate is not a certificate"],
    [
      "a certificate with the private key in it",
      { privateKey: rsa, certificate: pem(rsa) },
      "holds a private",
    ],
  ])("refuses %s and says why", (_what, parts, reason) => {
    const { problems } = make(parts);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(reason);
    expect(problems[0]).not.toContain("hunter2");
  });
});
