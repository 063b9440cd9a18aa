import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../cli/command.ts";
import { type EdgeStack, edgeToken, startEdgeStack } from "./edge-stack.ts";
import { deployFile, readDeployFile } from "../deploy/deploy-files.ts";
import { type Program, replaced, startProgram, writeNginx } from "./programs.ts";
import { startWhoamiApp, type WhoamiApp } from "../support/whoami-app.ts";

/** Tenant over TLS, proxy with its edge listener, the application, and an edge before all of them. */
export interface EdgeWorld {
  readonly stack: EdgeStack;
  readonly app: WhoamiApp;
  /** What the browser calls the edge. */
  readonly origin: string;
  close(): Promise<void>;
}

/** A program whose file for this mode is in deploy/edge/forward-auth/. */
export interface EdgeDoor {
  readonly name: string;
  /** Whether it can send on an address with escapes as it came; otherwise the proxy does. */
  readonly keepsEscapes: boolean;
  /** Whether it can tell a body in chunks before it sends it on; otherwise it breaks it off. */
  readonly seesChunks: boolean;
  /** Whether it has the proxy answer after a no of the tenant, in the same request. */
  readonly asksAgain: boolean;
  start(place: DoorPlace): Promise<Program>;
}

interface DoorPlace {
  readonly port: number;
  readonly stack: EdgeStack;
  readonly app: WhoamiApp;
}

const portOf = (url: string): string => new URL(url).port;

/** Starts everything before and behind an edge. */
export async function startEdgeWorld(door: EdgeDoor): Promise<EdgeWorld> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const app = await startWhoamiApp();
  const stack = await startEdgeStack({
    tenant: { plainHttp: false },
    publicOrigin: origin,
    identity: `{ whoami: { url: "${app.url}", cacheFor: 1s } }`,
  });
  const program = await door.start({ port, stack, app });
  return {
    stack,
    app,
    origin,
    async close() {
      await program.close();
      await stack.close();
      await app.close();
    },
  };
}

const nginx: EdgeDoor = {
  name: "nginx",
  keepsEscapes: true,
  seesChunks: true,
  asksAgain: true,
  async start({ port, stack, app }) {
    const { folder: files, tenant, server, socket } = stack;
    const token = files.write("qsp-edge-token", `proxy_set_header X-QSP-Edge-Token "${edgeToken}";\n`);
    const folder = await writeNginx(
      [
        ["127.0.0.1:8787", `127.0.0.1:${portOf(server.url)}`],
        ["127.0.0.1:3000", `127.0.0.1:${portOf(app.url)}`],
        ["unix:/run/qsp-edge.sock", `unix:${socket}`],
        ["/etc/nginx/qsp-edge-token", token],
        ["server acme.eu.qlikcloud.com:443", `server 127.0.0.1:${tenant.port}`],
        ["Host acme.eu.qlikcloud.com", `Host ${new URL(tenant.origin).host}`],
        ["acme.eu.qlikcloud.com", tenant.hostname],
        ["/etc/ssl/certs/ca-certificates.crt", join(files.path, "tenant.pem")],
        ["https://portal\\.example\\.com", `http://127\\.0\\.0\\.1:${port}`],
        // The test speaks to it as a browser does behind TLS.
        ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
        ["ssl_certificate", "# ssl_certificate"],
      ],
      "edge/forward-auth/nginx.conf",
    );
    return startProgram({ port, folder, command: ["nginx", "-p", folder, "-c", join(folder, "nginx.conf")] });
  },
};

const caddy: EdgeDoor = {
  name: "Caddy",
  keepsEscapes: false,
  seesChunks: false,
  asksAgain: true,
  async start({ port, stack, app }) {
    const { folder: files, tenant, server, socket } = stack;
    const folder = await mkdtemp(join(tmpdir(), "qsp-edge-"));
    const file = join(folder, "Caddyfile");
    // The system does not know the authority of this tenant.
    const trust = `transport http {\n tls_trusted_ca_certs ${join(files.path, "tenant.pem")}\n }\n`;
    const tenantProxy = "reverse_proxy {$TENANT:https://acme.eu.qlikcloud.com} {\n";
    const text = replaced(readDeployFile("edge/forward-auth/Caddyfile"), [
      [tenantProxy, tenantProxy + trust],
    ]);
    await writeFile(file, text);
    return startProgram({
      port,
      folder,
      command: ["caddy", "run", "--config", file, "--adapter", "caddyfile"],
      variables: {
        SITE: `http://127.0.0.1:${port}`,
        ORIGIN: `http://127.0.0.1:${port}`,
        EDGE: `unix/${socket}`,
        QSP_EDGE_TOKEN: edgeToken,
        TENANT: `https://127.0.0.1:${tenant.port}`,
        PROXY: `127.0.0.1:${portOf(server.url)}`,
        PORTAL: `127.0.0.1:${portOf(app.url)}`,
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
      },
    });
  },
};

const haproxy: EdgeDoor = {
  name: "HAProxy",
  keepsEscapes: true,
  seesChunks: true,
  asksAgain: false,
  async start({ port, stack, app }) {
    const { folder: files, tenant, server, socket } = stack;
    const folder = await mkdtemp(join(tmpdir(), "qsp-edge-"));
    const file = join(folder, "haproxy.cfg");
    const text = replaced(readDeployFile("edge/forward-auth/haproxy.cfg"), [
      ["/etc/haproxy/qsp-edge.lua", deployFile("edge/forward-auth/qsp-edge.lua")],
      ["bind :443 ssl crt /etc/haproxy/portal.pem", `bind 127.0.0.1:${port}`],
      ["https://portal.example.com", `http://127.0.0.1:${port}`],
      ["127.0.0.1:8787", `127.0.0.1:${portOf(server.url)}`],
      ["127.0.0.1:3000", `127.0.0.1:${portOf(app.url)}`],
      ["server tenant acme.eu.qlikcloud.com:443", `server tenant 127.0.0.1:${tenant.port}`],
      ["Host acme.eu.qlikcloud.com", `Host ${new URL(tenant.origin).host}`],
      ["acme.eu.qlikcloud.com", tenant.hostname],
      ["/etc/ssl/certs/ca-certificates.crt", join(files.path, "tenant.pem")],
    ]);
    await writeFile(file, text);
    const variables = { QSP_EDGE_SOCKET: `unix@${socket}`, QSP_EDGE_TOKEN: edgeToken };
    return startProgram({ port, folder, command: ["haproxy", "-db", "-f", file], variables });
  },
};

/** Every edge that is run for real. */
export const edgeDoors: readonly EdgeDoor[] = [nginx, caddy, haproxy];
