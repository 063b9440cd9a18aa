import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { sharedEntries } from "../../src/options/schema.ts";
import { prefix, publicOrigin } from "../site.ts";
import type { Contender, Place } from "./contender.ts";

const clients = ["undici", "own"] as const;

/** What a user has who sets nothing. */
const defaultClient = String(
  v.getDefault(sharedEntries.upstream["client"] as v.OptionalSchema<v.GenericSchema, string>),
);

/** The name of `ours` with a client that is named. */
const nameWith = (client: string): string => `ours-${client}`;

/** Measuring it beside `ours` would be to measure the same program twice. */
export const sameAsOurs: string = nameWith(defaultClient);

/** Our own proxy as its users run it: `serve`, with every default but for what one machine needs. */
const serve = (root: string, version: string): Contender => ({
  name: "ours",
  role: "ours",
  what: `\`qlik-session-proxy serve\`, everything on, log to a file; client: ${defaultClient}, the default`,
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

/** Ours with the default client, and with each of the two by its name. The goals are those of the first. */
export function own(root: string, version: string): readonly Contender[] {
  const ours = serve(root, version);
  const withClient = (client: (typeof clients)[number]): Contender => ({
    ...ours,
    name: nameWith(client),
    what: `the same, client: ${client}`,
    program: (place) => ({ ...ours.program(place), env: { QSP_UPSTREAM_CLIENT: client } }),
  });
  return [ours, ...clients.map(withClient), sharedPool(root, ours)];
}

/** Ours with one pool for everybody, which the product does not offer: what it costs that sessions share no connections. */
const sharedPool = (root: string, ours: Contender): Contender => ({
  ...ours,
  name: "shared-pool",
  role: "trial",
  what: "ours, changed by the bench: all sessions share one pool of connections",
  program(place) {
    const program = ours.program(place);
    const preload = join(root, "bench/peers/shared-pool.mjs");
    return {
      ...program,
      args: ["--import", preload, ...program.args],
      env: { BENCH_LANES: join(root, "dist/upstream/lanes.js") },
    };
  },
});

function configuration({ port, tenant, folder }: Place): object {
  const privateKeyFile = join(folder, "key.pem");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "t".repeat(32), { mode: 0o600 });
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
    // With a private listener there are metrics, which cost something.
    admin: { listen: `unix:${join(folder, "admin.sock")}`, tokenFile },
    identity: { trustedHeader: { from: ["127.0.0.1/32"], subject: "X-User-Sub" } },
    policy: { presets: ["embed", "embed-write"] },
    // Logins are not what is measured: at the default of 100 a minute the loads would wait for them.
    limits: { loginsPerMinute: 100_000 },
    ...(tenant.caFile === undefined ? { unsafe: { plainHttpTenant: true } } : {}),
  };
}
