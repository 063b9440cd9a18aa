import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { prefix, publicOrigin } from "../site.ts";
import type { Contender, Place } from "./contender.ts";

/** Our own proxy as its users run it: `serve`, with every default but for what one machine needs. */
export const own = (root: string, version: string): Contender => ({
  name: "ours",
  what: "`qlik-session-proxy serve`, everything on, log to a file",
  hasSockets: true,
  rewritesLinks: true,
  obstacle: () => null,
  version: () => version,
  program(place) {
    const file = join(place.folder, "config.json");
    writeFileSync(file, JSON.stringify(configuration(place)));
    return { command: process.execPath, args: [join(root, "dist/cli/main.js"), "serve", "-c", file] };
  },
});

function configuration({ port, tenant, folder }: Place): object {
  const privateKeyFile = join(folder, "key.pem");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  writeFileSync(privateKeyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return {
    listen: `127.0.0.1:${port}`,
    publicOrigin,
    prefix,
    tenant: {
      origin: tenant.origin,
      signingKeys: [{ issuer: "bench", keyId: "bench", privateKeyFile }],
      ...(tenant.caFile === undefined ? {} : { caFile: tenant.caFile }),
    },
    identity: { trustedHeader: { from: ["127.0.0.1/32"], subject: "X-User-Sub" } },
    policy: { presets: ["embed", "embed-write"] },
    // Logins are not what is measured: at the default of 100 a minute the loads would wait for them.
    limits: { loginsPerMinute: 100_000 },
    ...(tenant.caFile === undefined ? { unsafe: { plainHttpTenant: true } } : {}),
  };
}
