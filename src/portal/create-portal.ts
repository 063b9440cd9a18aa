import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Identity } from "../identity/identity.ts";
import { createSessionProxy } from "../proxy/create-session-proxy.ts";
import type { SessionProxy } from "../proxy/session-proxy.ts";
import { type DashboardContent, sampleContent } from "./dashboard-content.ts";
import { createHostSessions, type HostSessions } from "./host-sessions.ts";
import { createPortalRoutes } from "./portal-routes.ts";
import type { PortalTenant } from "./portal-tenant.ts";
import { readStaticFiles } from "./static-files.ts";

export interface PortalOptions {
  readonly tenant: PortalTenant;
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** Port to listen on; any free one by default. */
  readonly port?: number;
  /** Host name in the portal's URL; portal.localhost by default. */
  readonly hostname?: string;
  /** What the dashboard shows; the local tenant's sales app by default. */
  readonly content?: DashboardContent;
  /** Folder of the portal's scripts and styles; the built package's own by default. */
  readonly assets?: URL;
}

/** A running sample portal. */
export interface Portal {
  readonly url: string;
  /** Ends every connection and the proxy. */
  close(): Promise<void>;
}

const prefix = "/qlik";

/** How the portal answers the proxy's question who sends this request. */
function identifyBy(sessions: HostSessions): (request: IncomingMessage) => Identity | null {
  return (request) => {
    const session = sessions.find(request);
    if (session === undefined) return null;
    const { subject, name, email, group } = session.user;
    return { subject, name, email, emailVerified: true, groups: [group], sessionId: session.id };
  };
}

function proxyFor(tenant: PortalTenant, publicOrigin: string, sessions: HostSessions): SessionProxy {
  return createSessionProxy({
    tenant: { origin: tenant.origin, ca: tenant.ca, signingKeys: [tenant.signingKey] },
    identify: identifyBy(sessions),
    publicOrigin,
    prefix,
    unsafe: { plainHttpPublic: true },
  });
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Starts a small host application that shows charts of the tenant through the proxy. */
export async function createPortal(options: PortalOptions): Promise<Portal> {
  const { tenant, content = sampleContent } = options;
  const assets = await readStaticFiles(options.assets ?? new URL("../web/portal/", import.meta.url));
  const server = createServer();
  const port = await listen(server, options.port ?? 0, options.host ?? "127.0.0.1");
  const origin = `http://${options.hostname ?? "portal.localhost"}:${port}`;

  const sessions = createHostSessions();
  const qlik = proxyFor(tenant, origin, sessions);
  const routes = createPortalRoutes({ origin, prefix, tenant, content, sessions, assets, qlik });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    qlik(request, response, () => routes(request, response));
  });
  qlik.attach(server);

  return {
    url: `${origin}/`,
    async close() {
      const closed = once(server, "close");
      server.close();
      await qlik.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
