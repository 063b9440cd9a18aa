// What every peer is told, so that their set-ups compare: below one prefix, the host's cookie is read, its session looked
// up, and the tenant's cookies are sent in place of the browser's; the tenant's own Set-Cookie goes no further.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import process from "node:process";

const { BENCH_PORT, BENCH_PREFIX, BENCH_TENANT, BENCH_CA_FILE, BENCH_CREDENTIAL, BENCH_USERS } = process.env;

/** The tenant's origin. */
export const tenant = BENCH_TENANT;

/** Who vouches for its certificate; undefined for plain HTTP. */
export const ca = BENCH_CA_FILE ? readFileSync(BENCH_CA_FILE) : undefined;

const sessions = new Map(
  Array.from({ length: Number(BENCH_USERS) }, (_, index) => [`bench-${index}`, { cookie: BENCH_CREDENTIAL }]),
);

/** The tenant's cookies for a request that carries this Cookie header; undefined for nobody. */
export const cookieFor = (header = "") => {
  const [, id] = /(?:^|; )sid=([^;]+)/.exec(header) ?? [];
  return sessions.get(id)?.cookie;
};

/** The path that the tenant knows; undefined for what is not below the prefix. */
export const pathBehind = (url) =>
  url.startsWith(`${BENCH_PREFIX}/`) ? url.slice(BENCH_PREFIX.length) : undefined;

/** Keeps connections to the tenant, the last one used first. */
export const createAgent = () =>
  new (ca ? https : http).Agent({ keepAlive: true, scheduling: "lifo", maxFreeSockets: 256, ca });

/** Refuses an upgrade. */
export const refuse = (socket, status) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);

export const port = Number(BENCH_PORT);
export const host = "127.0.0.1";
