import cluster from "node:cluster";
import { generateKeyPairSync } from "node:crypto";
import { resolveOptions } from "../../src/options/session-proxy-options.ts";

/** Resolves options in the primary and in a worker, and prints the warnings of both. */
const { warnings } = resolveOptions(
  {
    tenant: {
      origin: "https://acme.eu.qlikcloud.com",
      signingKeys: [
        {
          issuer: "acme-portal",
          keyId: "2026-01",
          privateKey: generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
        },
      ],
    },
    identify: () => null,
  },
  {},
);
process.stdout.write(`${cluster.isWorker ? "worker" : "primary"} ${JSON.stringify(warnings)}\n`);
if (cluster.isPrimary) cluster.fork();
else process.disconnect();
