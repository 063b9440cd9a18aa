import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TenantEmulator } from "../../src/emulator.ts";
import { createSessionProxy, type SessionProxy } from "../../src/index.ts";
import { browserOf, optionsFor, startTestTenant, type Stack, testIdentity } from "../support/stack.ts";

/** A tenant, and a host application that a test puts together piece by piece. */
export interface Portal extends Pick<Stack, "get" | "socket" | "close"> {
  readonly tenant: TenantEmulator;
  readonly proxy: SessionProxy;
  readonly server: Server;
  readonly origin: string;
}

/** Puts the pieces together, in whatever order; what it returns is called when the proxy is closed. */
export type Assemble = (parts: Omit<Portal, "close">) => unknown;

/** A front door of a portal, which the browser sees in its place. */
export type OpenFront = (target: string) => Promise<{ readonly port: number; close(): unknown }>;

/** Starts a portal. The server listens before it is put together, since the proxy has to know its origin. */
export async function startPortal(assemble: Assemble, openFront?: OpenFront): Promise<Portal> {
  const tenant = await startTestTenant();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const front = await openFront?.(`http://127.0.0.1:${port}`);
  const origin = `http://portal.localhost:${front?.port ?? port}`;
  const proxy = createSessionProxy({
    identify: (request) => testIdentity(request.headers["x-test-user"]),
    identityHeaders: ["x-test-user"],
    ...optionsFor(tenant, origin, { timeouts: { drain: 200, drainDelay: 0 } }),
  });
  const parts = { tenant, proxy, server, origin, ...browserOf(origin, proxy.prefix) };
  const end: unknown = await assemble(parts);
  return {
    ...parts,
    async close() {
      await proxy.close();
      // Not before: socket.io waits for every socket of the server.
      await front?.close();
      if (typeof end === "function") await (end as () => unknown)();
      server.closeAllConnections();
      server.close();
      await tenant.close();
    },
  };
}
