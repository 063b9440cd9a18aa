import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Claim, Launcher, Target } from "../target.ts";
import { placeOf } from "./place.ts";
import { startProcess } from "./start-process.ts";

/** A public proxy in a set-up of `attack/peers/`. */
export interface Peer {
  readonly name: string;
  /** Its package; undefined for a program of the system. */
  readonly package: string | undefined;
  readonly claims: readonly Claim[];
}

/** What all set-ups do. None of these proxies says that it guards sites, has a policy or keeps sessions. */
const common: readonly Claim[] = ["users", "jar"];

/** The proxies that the suite can be tried on by name. */
export const peers: readonly Peer[] = [
  { name: "http-proxy", package: "http-proxy", claims: common },
  { name: "http-proxy-middleware", package: "http-proxy-middleware", claims: common },
  { name: "httpxy", package: "httpxy", claims: common },
  { name: "fastify-http-proxy", package: "@fastify/http-proxy", claims: common },
  { name: "nginx", package: undefined, claims: [...common, "limits"] },
];

/** The users of the set-ups, and the cookies by which the upstream knows them. */
const cookies = { "attack-ann": "session=credential-of-ann", "attack-bob": "session=credential-of-bob" };

/** Why a peer cannot be started on this machine; null if it can. */
export function obstacleTo(peer: Peer): string | null {
  if (peer.package !== undefined) return null;
  const { status } = spawnSync(peer.name, ["-v"], { stdio: "ignore" });
  return status === 0 ? null : `${peer.name} is not installed here: apt-get install ${peer.name}`;
}

/** The version of a peer that is installed. */
export function versionOf(peer: Peer, folder: string): string {
  if (peer.package === undefined) {
    const { stderr } = spawnSync(peer.name, ["-v"], { encoding: "utf8" });
    return /\d+(?:\.\d+)+/.exec(stderr)?.[0] ?? "?";
  }
  const file = join(folder, "node_modules", peer.package, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

/** Installs the packages of the peers, in the versions of their lockfile, unless they are there. */
export function installPeers(folder: string): void {
  const installed = join(folder, "node_modules", ".package-lock.json");
  if (existsSync(installed) && !isOlder(installed, join(folder, "package-lock.json"))) return;
  process.stderr.write("Installing the public proxies of attack/peers.\n");
  const { status } = spawnSync("npm", ["ci", "--prefix", folder, "--no-progress", "--loglevel=error"], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error(`npm ci --prefix ${folder} failed`);
}

/** Whether the first lockfile knows other packages than the second. */
function isOlder(installed: string, wanted: string): boolean {
  const versions = (file: string): string => {
    const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
      readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
    };
    return Object.entries(packages)
      .filter(([path, { optional }]) => path !== "" && !optional)
      .map(([path, { version }]) => `${path}@${version ?? ""}`)
      .join("\n");
  };
  return versions(installed) !== versions(wanted);
}

/** A set-up of `attack/peers/` as a target. */
const targetAt = (peer: Peer, url: string): Target => ({
  name: peer.name,
  place: placeOf(url),
  prefix: "/qlik",
  host: new URL(url).host,
  origin: new URL(url).origin,
  sibling: "http://other.example.test",
  foreign: "https://evil.example",
  user: { name: "user", lines: ["X-User: attack-ann"] },
  other: { name: "other", lines: ["X-User: attack-bob"] },
  readPath: "/api/v1/items",
  writePath: "/api/v1/temp-contents",
  deniedPaths: [],
  reservedPaths: [],
  pagePath: undefined,
  socketPath: "/app/attack",
  logoutPath: undefined,
  returnPath: undefined,
  credential: "cookie",
  owned: [],
  untrustedAddress: undefined,
  claims: new Set(peer.claims),
  // nginx gives a head and a body 60 s each by default.
  patience: 70_000,
});

/** Starts a peer in its set-up. */
export function peerLauncher(peer: Peer, folder: string): Launcher {
  return {
    name: peer.name,
    duties: { loginPath: undefined, loginCookies: [], tokenPath: undefined, tokenHeader: undefined },
    credential: "cookie",
    async start(upstreamAuthority) {
      const { url, process: running } = await startProcess({
        command: process.execPath,
        args: [join(folder, `${peer.name}.mjs`)],
        env: { ATTACK_UPSTREAM: upstreamAuthority, ATTACK_COOKIES: JSON.stringify(cookies) },
        urlIn: (line) => /^listening (\S+)$/.exec(line)?.[1],
        ...(peer.package === undefined ? { stopBy: "SIGTERM" as const } : {}),
      });
      return { target: targetAt(peer, url), process: running };
    },
  };
}
