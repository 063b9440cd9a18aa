import { type RunningCommand, startCommand } from "../cli/command.ts";
import { createConfigFolder } from "../config/config-folder.ts";
import { type RawAnswer, type RawRequest, send } from "./raw-client.ts";
import { tenantKind } from "./tenant-kind.ts";

/** What the browser calls the front door; nothing listens there. */
export const servedHost = "portal.example.com";

/** The token of the private listener. */
export const servedToken = "0123456789abcdef0123456789abcdef";

/** The proxy as a process of its own, started by the built command. */
export interface ServedProxy {
  readonly command: RunningCommand;
  readonly url: string;
  readonly adminUrl: string;
  /** A request below the prefix, as the browser of a user sends it; `ann` by default, null for nobody. */
  ask(path: string, request?: Partial<RawRequest> & { readonly user?: string | null }): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** How a served proxy differs from the usual one. */
export interface ServedProxyOptions {
  readonly tenantOrigin: string;
  /** Lines of the configuration file beside the usual ones. */
  readonly more?: string;
  /** How many files and connections it may have open. */
  readonly descriptors?: number;
}

/** The headers of a page's request, and what the front door says of the user. */
export const servedHeaders = (user: string | null): Readonly<Record<string, string>> => ({
  host: servedHost,
  "sec-fetch-site": "same-origin",
  origin: `https://${servedHost}`,
  ...(user === null ? {} : { "x-user-sub": user, "x-user-email": `${user}@example.com` }),
});

const signingKeys = '  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]';

/** What a configuration says of a tenant of each kind. */
const tenantLines: Readonly<Record<typeof tenantKind, string>> = {
  "qlik-cloud-jwt": signingKeys,
  "qlik-cloud-oauth": "  kind: qlik-cloud-oauth\n  clientId: acme-portal\n  clientSecretFile: client-secret",
  "qlik-sense-jwt": `  kind: qlik-sense-jwt\n  userDirectory: PORTAL\n${signingKeys}`,
};

/** Starts it, and waits until it listens. */
export async function startServedProxy(options: ServedProxyOptions): Promise<ServedProxy> {
  const folder = createConfigFolder();
  folder.write("token", servedToken);
  folder.write("client-secret", "secret of the client");
  const file = folder.write(
    "config.yaml",
    `
publicOrigin: https://${servedHost}
listen: 127.0.0.1:0
admin: { listen: "127.0.0.1:0", tokenFile: token }
tenant:
  origin: ${options.tenantOrigin}
${tenantLines[tenantKind]}
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email }
policy: { presets: [embed, embed-write], allow: ["POST /api/v1/echo/**"] }
unsafe: { plainHttpTenant: true }
${options.more ?? ""}
`,
  );
  const command = startCommand(["serve", "-c", file], {}, options.descriptors);
  const line = await command.line((text) => text.includes('"server.started"'));
  const { url, adminUrl } = JSON.parse(line) as { readonly url: string; readonly adminUrl: string };
  return {
    command,
    url,
    adminUrl,
    ask: (path, { user = "ann", ...request } = {}) =>
      send({
        origin: url,
        path: `/qlik${path}`,
        ...request,
        headers: { ...servedHeaders(user), ...request.headers },
      }),
    async close() {
      await command.kill();
      folder.remove();
    },
  };
}
