import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { tenantName } from "../site.ts";

/** Files of a certificate that vouches for itself, ECDSA P-256 as tenants have them today. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes the tenant's certificate, by name and by address. @throws Error where openssl cannot */
export function makeCertificate(folder: string): Certificate {
  const certFile = join(folder, "tenant.pem");
  const keyFile = join(folder, "tenant-key.pem");
  const { status, stderr } = spawnSync(
    "openssl",
    [
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
      ["-subj", `/CN=${tenantName}`, "-addext", `subjectAltName=DNS:${tenantName},IP:127.0.0.1`],
      ["-keyout", keyFile, "-out", certFile],
    ].flat(),
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl cannot make a certificate: ${stderr ?? "it is not installed"}`);
  return { certFile, keyFile };
}
