import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claims, type Claim, type Launcher, type Target } from "../target.ts";
import { placeOf } from "./place.ts";
import { startProcess } from "./start-process.ts";

/** What the browser calls the proxy; nothing resolves it. */
const origin = "http://portal.example.test";

const prefix = "/qlik";

/** How slow requests are ended where the suite can say so. Milliseconds. */
const bodyIdle = 4000;

/** Requests of the two users of our own proxy. */
const personLines = (subject: string): string[] => [`X-User-Sub: ${subject}`];

/** The configuration of our own proxy: its defaults, but for what plain HTTP on one machine needs. */
function configuration(upstreamAuthority: string, folder: string): string {
  const keyFile = join(folder, "key.pem");
  return JSON.stringify({
    listen: "127.0.0.1:0",
    publicOrigin: origin,
    prefix,
    tenant: {
      origin: `http://${upstreamAuthority}`,
      signingKeys: [{ issuer: "attack", keyId: "attack", privateKeyFile: keyFile }],
    },
    identity: {
      trustedHeader: { from: ["127.0.0.1/32"], subject: "X-User-Sub", sessionId: "X-User-Session" },
    },
    policy: { presets: ["embed", "embed-write"], allow: ["GET /single/**"] },
    timeouts: { bodyIdle: `${bodyIdle / 1000}s`, headers: "5s" },
    unsafe: { plainHttpTenant: true, plainHttpPublic: true },
  });
}

/** Our own proxy as a target. */
const targetAt = (url: string): Target => ({
  name: "qlik-session-proxy",
  place: placeOf(url),
  prefix,
  host: new URL(origin).host,
  origin,
  sibling: "http://other.example.test",
  foreign: "https://evil.example",
  user: { name: "user", lines: personLines("attack-ann") },
  other: { name: "other", lines: personLines("attack-bob") },
  readPath: "/api/v1/items",
  writePath: "/api/v1/temp-contents",
  deniedPaths: [
    "/api/v1/users",
    "/api/v1/api-keys",
    "/api/v1/identity-providers",
    "/api/v1/web-integrations",
    "/api/core/auth-settings",
  ],
  reservedPaths: ["/login/jwt-session", "/logout/now", "/oauth/token", "/.session/x", "/_session/x"],
  pagePath: "/single",
  socketPath: "/app/attack",
  logoutPath: "/logout",
  returnPath: "/login?returnto=",
  credential: "cookie",
  owned: ["qlik-csrf-token", "qlik-web-integration-id"],
  untrustedAddress: process.platform === "linux" ? "127.0.0.2" : undefined,
  claims: new Set(Object.keys(claims) as Claim[]),
  patience: 26_000,
});

/** Starts the built proxy at `dist` with a configuration of its own. */
export function ownLauncher(dist: string): Launcher {
  return {
    name: "qlik-session-proxy",
    duties: {
      loginPath: "/login/jwt-session",
      loginCookies: ["eas.sid", "eas.sid.sig", "_csrfToken"],
      tokenPath: "/api/v1/csrf-token",
      tokenHeader: "qlik-csrf-token",
    },
    credential: "cookie",
    async start(upstreamAuthority) {
      const folder = mkdtempSync(join(tmpdir(), "attack-"));
      const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
      const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
      writeFileSync(join(folder, "key.pem"), key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
      const file = join(folder, "config.json");
      writeFileSync(file, configuration(upstreamAuthority, folder));
      try {
        const { url, process: running } = await startProcess({
          command: process.execPath,
          args: [join(dist, "cli/main.js"), "serve", "-c", file],
          urlIn: startedUrl,
        });
        const stop = (): Promise<void> => running.stop().finally(removeFolder);
        return {
          target: targetAt(url),
          process: {
            get exited() {
              return running.exited;
            },
            get output() {
              return running.output;
            },
            ended: running.ended,
            stop,
          },
        };
      } catch (error) {
        removeFolder();
        throw error;
      }
    },
  };
}

/** The address in the log line that says that the server has started. */
function startedUrl(line: string): string | undefined {
  if (!line.includes('"server.started"')) return undefined;
  return (JSON.parse(line) as { readonly url: string }).url;
}
