import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credential, knownUsers, prefix } from "../site.ts";
import type { Contender, Place } from "./contender.ts";

/** A public library in a set-up of `bench/peers/`, by the name of its file. */
interface Peer {
  readonly name: string;
  readonly package: string;
  readonly what: string;
  readonly hasSockets: boolean;
}

const peers: readonly Peer[] = [
  { name: "http-proxy", package: "http-proxy", what: "in node:http", hasSockets: true },
  { name: "httpxy", package: "httpxy", what: "in node:http", hasSockets: true },
  { name: "reply-from", package: "@fastify/reply-from", what: "in fastify", hasSockets: false },
  { name: "http-proxy-middleware", package: "http-proxy-middleware", what: "in express", hasSockets: true },
  { name: "hono", package: "hono", what: "its proxy helper on @hono/node-server", hasSockets: false },
];

const installHint = "its package is not installed: npm ci --prefix bench";

/** The public libraries, whose packages are below `bench/`. */
export const peerContenders = (root: string): Contender[] =>
  peers.map((peer) => {
    const manifest = join(root, "bench/node_modules", peer.package, "package.json");
    return {
      ...nodeContender(peer.name, join(root, "bench/peers", `${peer.name}.mjs`)),
      what: peer.what,
      role: peer.name === "http-proxy" ? "yardstick" : "onlooker",
      hasSockets: peer.hasSockets,
      obstacle: () => (existsSync(manifest) ? null : installHint),
      version: () => (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version,
    };
  });

/** About the least that a small answer can cost. */
export const bare = (root: string, version: string): Contender => ({
  ...nodeContender("bare", join(root, "bench/peers/bare.mjs")),
  what: "node:http and our client for the tenant, without a feature of ours between them",
  version: () => version,
});

/** A program of Node that is told by its environment what the set-ups of `bench/peers/` are told. */
export const nodeContender = (name: string, file: string): Contender => ({
  name,
  role: "onlooker",
  what: file,
  hasSockets: false,
  rewritesLinks: false,
  obstacle: () => (existsSync(file) ? null : `there is no ${file}`),
  version: () => "",
  program: (place) => ({
    command: process.execPath,
    args: [file],
    env: {
      NODE_ENV: "production",
      ...environmentOf(place),
      // What is built on fetch takes an authority from nowhere else.
      ...(place.tenant.caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: place.tenant.caFile }),
    },
  }),
});

/** What every set-up of `bench/peers/` is told. */
export const environmentOf = ({ port, tenant }: Place): Readonly<Record<string, string>> => ({
  BENCH_PORT: String(port),
  BENCH_PREFIX: prefix,
  BENCH_TENANT: tenant.origin,
  BENCH_CA_FILE: tenant.caFile ?? "",
  BENCH_CREDENTIAL: credential,
  BENCH_USERS: String(knownUsers),
});

/** Installs the packages of the peers, in the versions of their lockfile, unless they are there. @returns why it could not */
export function installPeers(root: string): string | null {
  const folder = join(root, "bench");
  const wanted = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
  const mark = join(folder, "node_modules/.bench-lock");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return null;
  process.stderr.write("Installing the public proxies of the bench.\n");
  const { status } = spawnSync("npm", ["ci", "--prefix", folder, "--no-progress", "--loglevel=error"], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) return "npm ci --prefix bench failed";
  writeFileSync(mark, wanted);
  return null;
}
