import { identityTexts } from "./identity-choices.ts";
import type { Wishes } from "./wishes.ts";

/** Names of the files of a new configuration, from its own folder. */
export const fileNames = {
  config: "qlik-session-proxy.yaml",
  privateKey: "private-key.pem",
  certificate: "certificate.pem",
  sessionSecret: "secrets/session-secret",
  adminToken: "secrets/admin-token",
  oidcClientSecret: "secrets/oidc-client-secret",
} as const;

/** Where the pair lies, from the configuration's folder. */
export interface PairPlace {
  readonly privateKeyFile: string;
  readonly certificateFile: string;
}

/** A text in double quotes, as JSON and YAML both read it. */
const quoted = (text: string): string => JSON.stringify(text);

/** The private listener's address, beside the public one's default. */
const adminListen = "127.0.0.1:8788";

/** Writes a configuration, with what each part is for. */
export function configText(
  { tenant, publicOrigin, issuer, listen, identity }: Wishes,
  { keyId, privateKeyFile, certificateFile }: PairPlace & { readonly keyId: string },
): string {
  const http = [
    ...(tenant.startsWith("http:") ? ["plainHttpTenant: true"] : []),
    ...(publicOrigin.startsWith("http:") ? ["plainHttpPublic: true"] : []),
  ];
  return [
    "# Check: qlik-session-proxy validate -c FILE; try: qlik-session-proxy doctor -c FILE",
    "# Names of files are relative to this one.",
    `listen: ${quoted(listen)}`,
    "# What browsers see.",
    `publicOrigin: ${quoted(publicOrigin)}`,
    "# Where the proxy is below it.",
    "prefix: /qlik",
    "# Private: probes for everybody who reaches it, the rest for who holds the token.",
    `admin: { listen: ${quoted(adminListen)}, tokenFile: ${fileNames.adminToken} }`,
    "tenant:",
    `  origin: ${quoted(tenant)}`,
    "  signingKeys:",
    "    # Issuer and key id exactly as in the tenant's identity provider.",
    `    - issuer: ${quoted(issuer)}`,
    `      keyId: ${quoted(keyId)}`,
    `      privateKeyFile: ${privateKeyFile}`,
    `      certificateFile: ${certificateFile}`,
    "identity:",
    ...identityTexts[identity].yaml.map((line) => `  ${line}`),
    "session:",
    "  # Seals what is stored; every replica has the same.",
    `  secretFile: ${fileNames.sessionSecret}`,
    "  # memory, file:DIR, or redis://… for several replicas.",
    "  store: memory",
    ...(http.length === 0
      ? []
      : ["# For local work alone; refused with NODE_ENV=production.", `unsafe: { ${http.join(", ")} }`]),
    "",
  ].join("\n");
}
