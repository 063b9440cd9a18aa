import { generateKeyPairSync } from "node:crypto";
import { runSteps, type StepResult } from "../../src/cli/doctor/run-steps.ts";
import { steps } from "../../src/cli/doctor/steps.ts";
import { type Questions, Visit } from "../../src/cli/doctor/visit.ts";
import { createTenantEmulator, type TenantEmulator, type TenantEmulatorOptions } from "../../src/emulator.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";

const pemPair = () =>
  generateKeyPairSync("ec", {
    namedCurve: "P-384",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });

const ours = pemPair();

/** A public key that belongs to nobody's private key. */
export const strangerPem: string = pemPair().publicKey;

/** A local tenant that knows our key, and a configuration for it. */
export interface World {
  readonly tenant: TenantEmulator;
  readonly folder: ConfigFolder;
  /** The configuration; a case may change it. */
  config: string;
}

/** What differs from a chain that is whole. */
export interface WorldOptions {
  readonly tenant?: TenantEmulatorOptions;
  readonly publicOrigin?: string;
}

/** Starts a tenant, over plain HTTP unless it is said otherwise. */
export async function createWorld({ tenant: options, publicOrigin }: WorldOptions = {}): Promise<World> {
  const tenant = await createTenantEmulator({
    plainHttp: true,
    identityProviders: [{ issuer: "acme-portal", keyId: "2026-01", pem: ours.publicKey }],
    ...options,
  });
  const folder = createConfigFolder();
  folder.write("key.pem", ours.privateKey);
  folder.write("public.pem", ours.publicKey);
  folder.write("stranger.pem", strangerPem);
  if (tenant.certificate !== undefined) folder.write("tenant.pem", tenant.certificate);
  const config = `
publicOrigin: ${publicOrigin ?? "http://portal.localhost:1"}
listen: 127.0.0.1:0
tenant:
  origin: ${tenant.origin}
  ${tenant.certificate === undefined ? "" : "caFile: tenant.pem"}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem, certificateFile: public.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, name: X-User-Name, email: X-User-Email, groups: X-User-Groups }
timeouts: { connect: 5s, login: 15s }
unsafe: { plainHttpTenant: ${tenant.certificate === undefined}, plainHttpPublic: true }
`;
  return { tenant, folder, config };
}

/** Ends the tenant, and takes the configuration away. */
export async function closeWorld({ tenant, folder }: World): Promise<void> {
  await tenant.close();
  folder.remove();
}

/** Lets the doctor look at a world. */
export async function visitWorld(
  world: World,
  questions: Partial<Questions> = {},
): Promise<readonly StepResult[]> {
  const file = world.folder.write("config.yaml", world.config);
  const visit = new Visit({ sources: { file, environment: {} }, person: {}, app: undefined, ...questions });
  try {
    return await runSteps(steps, visit, () => {});
  } finally {
    await visit.find("upstream")?.close();
  }
}
