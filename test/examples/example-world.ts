import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createPublicKey } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { repository } from "../architecture/fixture-tree.ts";
import { cloneExamples, type ExampleClone } from "../support/example-app.ts";
import { testKey } from "../support/stack.ts";

/** The local tenant, the vendor's script on a server of its own, and a clone with examples. */
export interface ExampleWorld {
  readonly clone: ExampleClone;
  readonly tenant: TenantEmulator;
  /** What the examples are told through the environment. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Stands in for the CDN from which pages take Qlik's web components. */
async function serveEmbedScript(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const script = readFileSync(join(repository, "node_modules/@qlik/embed-web-components/dist/index.js"));
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/javascript" }).end(script);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/embed.js`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Starts what every example needs. */
export async function startExampleWorld(names: readonly string[]): Promise<ExampleWorld> {
  const pem = createPublicKey(testKey.privateKey).export({ type: "spki", format: "pem" }).toString();
  const tenant = await createTenantEmulator({
    hostname: "tenant.localhost",
    identityProviders: [{ issuer: testKey.issuer, keyId: testKey.keyId, pem }],
  });
  const embed = await serveEmbedScript();
  const clone = await cloneExamples(names, tenant);
  return {
    clone,
    tenant,
    variables: { EMBED_SCRIPT: embed.url },
    async close() {
      await clone.remove();
      await embed.close();
      await tenant.close();
    },
  };
}
