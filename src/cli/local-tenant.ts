import { createPublicKey, KeyObject } from "node:crypto";
import type { TenantEmulatorOptions } from "../emulator/options.ts";
import type { ServerConfig } from "../server/config/load.ts";

/** Makes the local tenant that a configuration of the proxy expects: its address, lifetimes and keys. */
export function toLocalTenant({ options }: Pick<ServerConfig, "options">): TenantEmulatorOptions {
  const { origin, signingKeys, sessionIdle, sessionLifetime } = options.tenant;
  const url = new URL(origin);
  return {
    hostname: url.hostname,
    port: Number(url.port),
    plainHttp: url.protocol === "http:",
    identityProviders: signingKeys.map(({ issuer, keyId, privateKey }) => ({
      issuer,
      keyId,
      pem: privateKey instanceof KeyObject ? toPublicPem(privateKey) : "",
    })),
    ...(options.publicOrigin === undefined ? {} : { frameAncestors: [options.publicOrigin] }),
    // The file's texts have become milliseconds where it was read.
    ...(typeof sessionIdle === "number" ? { sessionIdle } : {}),
    ...(typeof sessionLifetime === "number" ? { sessionLifetime } : {}),
  };
}

const toPublicPem = (privateKey: KeyObject): string =>
  String(createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
