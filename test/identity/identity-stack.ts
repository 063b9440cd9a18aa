import { Agent, type IncomingMessage } from "node:http";
import { createStandaloneServer, loadServerConfig, type StandaloneServer } from "../../src/server.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { type NamedTenant, startNamedTenant } from "../support/named-tenant.ts";
import { observeProcess, type ObservedProcess } from "../support/observed-process.ts";
import { type RawAnswer, type RawRequest, send } from "../support/raw-client.ts";
import { servedHost } from "../support/served-proxy.ts";
import { testSocket, type TestSocket } from "../support/stack.ts";

/** What a browser sends with a request to prove who its user is. */
export type Credentials = Readonly<Record<string, string | readonly string[]>>;

/** The standalone server with one identity source, in front of a tenant that names its sessions. */
export interface IdentityStack {
  readonly tenant: NamedTenant;
  readonly folder: ConfigFolder;
  readonly server: StandaloneServer;
  readonly observed: ObservedProcess;
  /** Each request that reached the tenant: its path, and names and values of its headers as lines. */
  readonly travelled: { readonly path: string; readonly lines: string }[];
  /** A request below the prefix, as a page of ours makes it. */
  get(path: string, credentials?: Credentials, request?: Partial<RawRequest>): Promise<RawAnswer>;
  socket(credentials?: Credentials): TestSocket;
  close(): Promise<void>;
}

/** A path of the class rest, and one of the engine. */
export const items = "/api/v1/items";
export const engine = "/app/some-app";

/** The code of an answer of ours. */
export const codeOf = (answer: RawAnswer): string =>
  (answer.json() as { readonly errors: readonly { readonly code: string }[] }).errors[0]?.code ?? "";

/** How a stack differs from the usual one. */
export interface IdentityStackOptions {
  /** Lines of the configuration beside the usual ones. */
  readonly more?: string;
  /** Keys of the configuration below `unsafe` that are true, beside the usual one. */
  readonly unsafe?: readonly string[];
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Another stack's; one of its own by default. */
  readonly tenant?: NamedTenant;
}

/** Starts a tenant and the server; `identity` are the lines below that key, indented by two. */
export async function startIdentityStack(
  identity: string,
  { more = "", unsafe = [], files = {}, tenant: shared }: IdentityStackOptions = {},
): Promise<IdentityStack> {
  const tenant = shared ?? (await startNamedTenant());
  const folder = createConfigFolder();
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const file = folder.write(
    "config.yaml",
    `
publicOrigin: https://${servedHost}
listen: 127.0.0.1:0
tenant:
  origin: ${tenant.origin}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
${identity}
timeouts: { store: 5s, drainDelay: 0s, drain: 0s }
unsafe: { ${["plainHttpTenant", ...unsafe].map((key) => `${key}: true`).join(", ")} }
${more}
`,
  );
  const observed = observeProcess();
  const server = await createStandaloneServer(loadServerConfig({ file, environment: {} }).config);
  const travelled: { readonly path: string; readonly lines: string }[] = [];
  const note = ({ url = "", rawHeaders }: IncomingMessage): void =>
    void travelled.push({ path: url.replace(/\?.*$/, ""), lines: rawHeaders.join("\n") });
  tenant.onCall(({ request }) => note(request));
  tenant.onUpgrade(({ request, accept }) => {
    note(request);
    accept();
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const page = { host: servedHost, origin: `https://${servedHost}` };
  return {
    tenant,
    folder,
    server,
    observed,
    travelled,
    get: (path, credentials = {}, request = {}) =>
      send({
        origin: server.url,
        path: `/qlik${path}`,
        agent,
        ...request,
        headers: { ...page, "sec-fetch-site": "same-origin", ...credentials, ...request.headers },
      }),
    socket: (credentials = {}) =>
      testSocket(`${server.url.replace("http", "ws")}/qlik${engine}`, {
        ...page,
        ...(credentials as Record<string, string>),
      }),
    async close() {
      agent.destroy();
      await server.close();
      if (tenant !== shared) await tenant.close();
      observed.stop();
      folder.remove();
    },
  };
}
