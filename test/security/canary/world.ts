import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "selfsigned";
import type { TenantEmulatorKind } from "../../../src/emulator.ts";
import { type RunningCommand, startCommand } from "../../cli/command.ts";
import { createConfigFolder, privateKeyPem } from "../../config/config-folder.ts";
import { tenantKind } from "../../support/tenant-kind.ts";
import { asBytes, type Output } from "./grep.ts";

/** What the browser calls the front door; nothing listens there. */
export const publicHost = "portal.example.com";

const preload = fileURLToPath(new URL("preload.mjs", import.meta.url));

const mint = (): string => `c4n4ry-${randomBytes(24).toString("hex")}`;

/** A folder with a configuration in which every secret is a canary. */
export interface CanaryWorld {
  readonly folder: string;
  /** The secrets of the configuration, by the keys of the file. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Writes another file into the folder. */
  write(name: string, text: string): string;
  /** The text of a configuration. */
  config(parts: CanaryConfig): string;
  /** Starts a server that prints whatever it could be made to print; resolves when it listens. */
  serve(config: string, variables?: Readonly<Record<string, string>>): Promise<CanaryServer>;
  close(): Promise<void>;
}

/** The parts of a configuration in which the runs differ. */
export interface CanaryConfig {
  readonly tenantOrigin: string;
  /** `file:state` by default. */
  readonly store?: string;
  /** Lines beside the usual ones. */
  readonly more?: string;
}

/** A server that runs. */
export interface CanaryServer {
  readonly command: RunningCommand;
  readonly url: string;
  readonly adminUrl: string;
  /** What it has said so far. */
  outputs(): readonly Output[];
}

const signingKeys = 'signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]';

/** What a configuration says of a tenant beside its origin. */
const ofKind: Readonly<Record<TenantEmulatorKind, readonly string[]>> = {
  "qlik-cloud-jwt": [signingKeys],
  "qlik-cloud-oauth": ["kind: qlik-cloud-oauth", "clientId: portal", "clientSecretFile: client-secret"],
  "qlik-sense-jwt": ["kind: qlik-sense-jwt", "userDirectory: PORTAL", signingKeys],
};

/** Lines of a PEM text that no other key has. */
function keyLines(name: string, pem: string): readonly (readonly [string, string])[] {
  const lines = pem.trim().split("\n");
  return [lines[1], lines.at(-2)].map((line, index) => [`${name}, line ${index}`, line ?? ""] as const);
}

/** Makes the folder. */
export async function createCanaryWorld(): Promise<CanaryWorld> {
  const folder = createConfigFolder();
  const pair = await generate([{ name: "commonName", value: publicHost }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const texts = {
    secret: mint(),
    "older-secret": mint(),
    token: mint(),
    "webhook-secret": mint(),
    "client-secret": mint(),
  };
  folder.write("secret", `${texts.secret}\n${texts["older-secret"]}\n`);
  folder.write("token", `${texts.token}\n`);
  folder.write("webhook-secret", texts["webhook-secret"]);
  folder.write("client-secret", texts["client-secret"]);
  folder.write("tls-cert.pem", pair.cert);
  folder.write("tls-key.pem", pair.private);
  const running: RunningCommand[] = [];
  return {
    folder: folder.path,
    secrets: new Map([
      ...Object.entries(texts),
      ...keyLines("signing key", privateKeyPem),
      ...keyLines("key of the listener", pair.private),
    ]),
    write: (name, text) => folder.write(name, text),
    config: ({ tenantOrigin, store = "file:state", more = "" }) => `
publicOrigin: https://${publicHost}
listen: 127.0.0.1:0
admin: { listen: "127.0.0.1:0", tokenFile: token, webhookSecretFile: webhook-secret }
tenant:
  origin: ${tenantOrigin}
  ${ofKind[tenantKind].join("\n  ")}
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, name: X-User-Name, email: X-User-Email, groups: X-User-Groups, sessionId: X-User-Session }
session: { secretFile: secret, store: "${store}" }
policy: { presets: [embed, embed-write], allow: ["POST /api/v1/items/**"] }
unsafe: { plainHttpTenant: true }
limits: { socketsPerSession: 1, requestBody: 1KiB }
timeouts: { connect: 1s, headers: 1s, bodyIdle: 1s, login: 1s, drainDelay: 1s, drain: 10s }
${more}
`,
    async serve(config, variables = {}) {
      const file = folder.write("served.yaml", config);
      const command = startCommand(["serve", "-c", file], {
        NODE_OPTIONS: `--import=${preload}`,
        CANARY_CONFIG: file,
        ...variables,
      });
      running.push(command);
      const line = await command.line((text) => text.includes('"server.started"'));
      const { url, adminUrl } = JSON.parse(line) as { readonly url: string; readonly adminUrl: string };
      return { command, url, adminUrl, outputs: () => outputsOf(command) };
    },
    async close() {
      for (const command of running) await command.kill();
      folder.remove();
    },
  };
}

const outputsOf = (command: RunningCommand): readonly Output[] => [
  { name: "standard output", text: asBytes(command.lines.join("\n")) },
  { name: "standard error", text: asBytes(command.complaints()) },
];

/** What others can read of a process: its arguments and what it was started with. */
export const shownByProc = ({ command: { pid } }: CanaryServer): readonly Output[] =>
  ["cmdline", "environ"].map((name) => ({
    name: `/proc/PID/${name}`,
    text: readFileSync(`/proc/${pid}/${name}`, "latin1"),
  }));

/** Everything in a folder. */
export const filesIn = (folder: string): readonly Output[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ name: entry.name, text: readFileSync(join(entry.parentPath, entry.name), "latin1") }));
