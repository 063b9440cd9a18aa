import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSessionProxy, type SessionProxy } from "../../src/index.ts";
import { createTestTenant, type TestTenant, type TestTenantOptions } from "../../src/testing.ts";

/** An application as a user of the package writes it, with its tenant. */
export interface TestedApp {
  readonly tenant: TestTenant;
  readonly qlik: SessionProxy;
  readonly origin: string;
  /** Asks as a person, or as nobody. */
  get(path: string, user?: string): Promise<Response>;
  close(): Promise<void>;
}

/** Starts it. */
export async function startTestedApp(options: TestTenantOptions = {}): Promise<TestedApp> {
  const tenant = await createTestTenant(options);
  const qlik = createSessionProxy({ ...tenant.proxyOptions, identify: tenant.identify });
  const server = createServer(qlik);
  qlik.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    tenant,
    qlik,
    origin,
    get: (path, user) =>
      fetch(`${origin}/qlik${path}`, user === undefined ? {} : { headers: tenant.signedIn(user) }),
    async close() {
      await qlik.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await tenant.close();
    },
  };
}
