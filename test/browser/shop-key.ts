import { generateKeyPairSync } from "node:crypto";
import type { IdentityProvider } from "../../src/emulator/identity-provider.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", {
  namedCurve: "P-384",
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const name = { issuer: "shop", keyId: "1" };

/** The key that the shop's proxies sign with. */
export const shopKey: Readonly<Record<"issuer" | "keyId" | "privateKey", string>> = { ...name, privateKey };

/** The shop as the tenant knows it. */
export const shopProvider: IdentityProvider = { ...name, pem: publicKey };
