import type { Backend } from "../../src/tenant/backend.ts";
import { createCloudJwt } from "../../src/tenant/cloud-jwt/backend.ts";

/** Signs users in to a tenant that believes every signature. */
export const testBackend: Backend = createCloudJwt({
  origin: "https://tenant.example",
  signingKey: { issuer: "i", keyId: "k", alg: "RS256", sign: () => new Uint8Array(8) },
});
