/** The tenant of the examples: one that the environment names, else the local one of tenant.yaml. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const local = {
  QLIK_TENANT: "https://tenant.localhost:8443",
  QLIK_TENANT_CA_FILE: fileURLToPath(new URL("../keys/tenant.pem", import.meta.url)),
  QLIK_ISSUER: "sample-portal",
  QLIK_KEY_ID: "sample",
  QLIK_PRIVATE_KEY_FILE: fileURLToPath(new URL("../keys/private-key.pem", import.meta.url)),
};
const { env } = process;
const named = env.QLIK_TENANT === undefined ? local : env;

/** Options of the proxy that have nothing to do with the framework. */
export const proxyOptions = {
  tenant: {
    origin: named.QLIK_TENANT,
    // Of a tenant whose certificate the system does not trust, which a real one has not.
    ...(named.QLIK_TENANT_CA_FILE === undefined
      ? {}
      : { ca: readFileSync(named.QLIK_TENANT_CA_FILE, "utf8") }),
    signingKeys: [
      {
        issuer: named.QLIK_ISSUER,
        keyId: named.QLIK_KEY_ID,
        privateKey: readFileSync(named.QLIK_PRIVATE_KEY_FILE, "utf8"),
      },
    ],
  },
  // What browsers see where something stands in front of the example; otherwise each request says it.
  ...(env.PUBLIC_ORIGIN === undefined ? {} : { publicOrigin: env.PUBLIC_ORIGIN }),
};

export const port = Number(env.PORT ?? 3000);

/** Says where the example listens, once it does. */
export const announce = (server) => console.log(`http://localhost:${server.address().port}`);
