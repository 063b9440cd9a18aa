import { createPublicKey } from "node:crypto";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { createTenantEmulator, type TenantEmulator, type TenantEmulatorOptions } from "../../src/emulator.ts";
import { type LoadedConfig, loadServerConfig } from "../../src/server/config/load.ts";
import { createStandaloneServer, type StandaloneServer } from "../../src/server/standalone.ts";
import { type ConfigFolder, createConfigFolder, privateKeyPem } from "../config/config-folder.ts";

/** What the browser calls the front door; nothing listens there. */
export const edgeHost = "portal.example.com";
export const edgeOrigin = "https://portal.example.com";

/** The token of the edge listener. */
export const edgeToken = "edge-token-0123456789abcdef0123456789abcdef";

/** An answer of the edge listener. */
export interface EdgeAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A question as it is written: nothing is added to it. */
export interface EdgeAsk {
  readonly method?: string;
  readonly path?: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** A local tenant, and a server with an edge listener. */
export interface EdgeStack {
  readonly tenant: TenantEmulator;
  readonly server: StandaloneServer;
  readonly folder: ConfigFolder;
  /** Path of the unix socket of the edge listener. */
  readonly socket: string;
  /** Asks the edge listener. */
  ask(question: EdgeAsk): Promise<EdgeAnswer>;
  /** Reads the configuration, with other lines at its end. */
  load(more?: string): LoadedConfig;
  /** Reads it with an edge listener on a TCP port in the place of the socket. */
  loadTcp(): LoadedConfig;
  close(): Promise<void>;
}

/** How a stack differs from the usual one. */
export interface EdgeStackOptions {
  readonly tenant?: TenantEmulatorOptions;
  /** The line of the identity source. */
  readonly identity?: string;
  /** What the browser calls the front door; {@link edgeOrigin} by default. */
  readonly publicOrigin?: string;
  /** Further lines. */
  readonly more?: string;
}

const believed =
  "{ trustedHeader: { from: [127.0.0.1, 'edge:'], subject: X-User-Sub, email: X-User-Email } }";

/** Starts them. */
export async function startEdgeStack(options: EdgeStackOptions = {}): Promise<EdgeStack> {
  const folder = createConfigFolder();
  const pem = createPublicKey(privateKeyPem).export({ type: "spki", format: "pem" }).toString();
  const tenant = await createTenantEmulator({
    plainHttp: true,
    identityProviders: [{ issuer: "acme-portal", keyId: "2026-01", pem }],
    ...options.tenant,
  });
  const socket = join(folder.path, "edge.sock");
  folder.write("edge-token", edgeToken);
  if (tenant.certificate !== undefined) folder.write("tenant.pem", tenant.certificate);
  const { publicOrigin = edgeOrigin } = options;
  const unsafe = [
    ...(tenant.certificate === undefined ? ["plainHttpTenant: true"] : []),
    ...(publicOrigin.startsWith("http:") ? ["plainHttpPublic: true"] : []),
  ];
  const text = `
listen: 127.0.0.1:0
publicOrigin: ${publicOrigin}
trustedProxies: [127.0.0.1]
edge: { listen: "unix:${socket}", tokenFile: edge-token }
tenant:
  origin: ${tenant.origin}
  ${tenant.certificate === undefined ? "" : "caFile: tenant.pem"}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity: ${options.identity ?? believed}
policy: { presets: [embed, embed-write], allow: ["GET /single/**"] }
unsafe: { ${unsafe.join(", ")} }
${options.more ?? ""}
`;
  const read = (config: string): LoadedConfig =>
    loadServerConfig({ file: folder.write("config.yaml", config), environment: {} });
  const load = (more = ""): LoadedConfig => read(text + more);
  const server = await createStandaloneServer(load().config);
  return {
    tenant,
    server,
    folder,
    socket,
    load,
    loadTcp: () => read(text.replace(`"unix:${socket}"`, "127.0.0.1:0")),
    ask: (question) => askEdge({ socketPath: socket }, question),
    async close() {
      await server.close();
      await tenant.close();
      folder.remove();
    },
  };
}

/** Asks a listener. */
export function askEdge(
  place: { readonly socketPath: string } | { readonly host: string; readonly port: number },
  { method = "GET", path = "/authz/auth-request", headers }: EdgeAsk,
): Promise<EdgeAnswer> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest({ ...place, method, path, headers: [...headers], agent: false });
    asking.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          ),
          text,
        }),
      );
      response.on("error", reject);
    });
    asking.on("error", reject);
    asking.end();
  });
}

/** What a browser's own page sends with a request, as an edge hands it on. */
export const fromPage = (user: string | null = "ann"): readonly string[] => [
  "Host",
  edgeHost,
  "Sec-Fetch-Site",
  "same-origin",
  "Cookie",
  "app=1",
  ...(user === null ? [] : ["X-User-Sub", user, "X-User-Email", `${user}@example.com`]),
];

/** The headers of nginx's question. */
export const question = (
  method: string,
  uri: string,
  others: readonly string[] = fromPage(),
): readonly string[] => [
  "X-QSP-Edge-Token",
  edgeToken,
  "X-Original-Method",
  method,
  "X-Original-URI",
  uri,
  ...others,
];
