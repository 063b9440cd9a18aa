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
