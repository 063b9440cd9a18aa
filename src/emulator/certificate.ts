import { isIP } from "node:net";
import { generate } from "selfsigned";

/** Days a certificate of the local tenant is good for. */
const VALID_DAYS = 30;

const DAY = 24 * 3600 * 1000;

/** A certificate made at start, with its key. Both PEM. */
export interface OwnCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Makes a self-signed certificate for `hostname`, localhost and 127.0.0.1. */
export async function makeCertificate(hostname: string): Promise<OwnCertificate> {
  const names = [...new Set([hostname, "localhost", "*.localhost"])].filter((name) => isIP(name) === 0);
  const addresses = [...new Set(["127.0.0.1", ...(isIP(hostname) === 0 ? [] : [hostname])])];
  const made = await generate([{ name: "commonName", value: hostname }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    // A day of margin: the tenant's clock and the client's may differ.
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + VALID_DAYS * DAY),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { certificate: made.cert, privateKey: made.private };
}
