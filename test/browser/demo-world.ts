import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { createPortal, type Portal } from "../../src/portal/create-portal.ts";

/** The local tenant and the sample portal with the proxy in it, as `demo` runs them, with freshly built browser code. */
export interface DemoWorld {
  readonly tenant: TenantEmulator;
  readonly portal: Portal;
  /** Logins at the tenant since the last call. */
  takeLogins(): number;
  close(): Promise<void>;
}

interface WebBuilder {
  readonly buildWeb: (options: { readonly outdir: string }) => Promise<void>;
}

const builder = new URL("../../tools/build-web.mjs", import.meta.url).href;
const webIntegrationId = "portal-demo-web-integration-0001";

async function startTenant(assets: URL, publicKey: string): Promise<TenantEmulator> {
  return createTenantEmulator({
    assets,
    identityProviders: [{ issuer: "portal", keyId: "1", pem: publicKey }],
  });
}

/** Builds the browser code and starts everything on free ports. */
export async function createDemoWorld(): Promise<DemoWorld> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-web-"));
  const { buildWeb } = (await import(builder)) as WebBuilder;
  await buildWeb({ outdir: folder });
  const web = pathToFileURL(`${folder}/`);
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-384",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const tenant = await startTenant(new URL("tenant/", web), publicKey);
  const portal = await createPortal({
    tenant: {
      origin: tenant.origin,
      ca: tenant.certificate ?? "",
      signingKey: { issuer: "portal", keyId: "1", privateKey },
      webIntegrationId,
      control: { expire: async (subject) => void tenant.sessions.expire(subject) },
    },
    assets: new URL("portal/", web),
  });
  tenant.addWebIntegration({ id: webIntegrationId, validOrigins: [new URL(portal.url).origin] });
  return {
    tenant,
    portal,
    takeLogins: () => tenant.take({ method: "POST", path: "/login/jwt-session" }).length,
    async close() {
      await portal.close();
      await tenant.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
