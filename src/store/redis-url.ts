import { Secret } from "../kernel/secret.ts";

/** Where a server listens. */
export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
}

/** Who signs in at a server. */
export interface RedisLogin {
  /** Undefined: the server's default user. */
  readonly user: string | undefined;
  readonly password: Secret;
}

/** One server. */
export interface RedisSingleAddress {
  readonly kind: "single";
  readonly endpoint: RedisEndpoint;
  readonly db: number;
  readonly login: RedisLogin | undefined;
  readonly tls: boolean;
}

/** A master that sentinels know by name. */
export interface RedisSentinelAddress {
  readonly kind: "sentinel";
  readonly sentinels: readonly RedisEndpoint[];
  readonly name: string;
  readonly db: number;
  readonly login: RedisLogin | undefined;
  /** At the sentinels themselves. */
  readonly sentinelLogin: RedisLogin | undefined;
  /** To the sentinels as to the master. */
  readonly tls: boolean;
}

/** A cluster, by some of its nodes. */
export interface RedisClusterAddress {
  readonly kind: "cluster";
  readonly nodes: readonly RedisEndpoint[];
  readonly login: RedisLogin | undefined;
  readonly tls: boolean;
}

/** Where a Redis or Valkey store is. */
export type RedisAddress = RedisSingleAddress | RedisSentinelAddress | RedisClusterAddress;

const redisPort = 6379;
const sentinelPort = 26_379;

const forms =
  "redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… (with TLS), redis+sentinel://HOST,HOST,HOST/NAME[/DB] or " +
  "redis+cluster://HOST,HOST,HOST";

/** Parts of the text: scheme, login, hosts, path, query. The login ends at the last @ before the path. */
const shape = /^([a-z+]+):\/\/(?:([^/?#]*)@)?([^/?#@]*)((?:\/[^?#]*)?)(?:\?([^#]*))?$/i;

/** What is wrong with a text. Never holds a part of the text that could be a password. */
class Problem extends Error {}

/**
 * Reads the address of a store: `redis://`, `rediss://`, `redis+sentinel://`, `redis+cluster://`. User, password and the
 * name of a master are percent-encoded where they hold one of `:@/?#,%`. Parameters: `tls=true` for Sentinel and Cluster,
 * `sentinelUser` and `sentinelPassword` for Sentinel.
 */
export function parseStoreUrl(text: string): RedisAddress | { readonly problem: string } {
  try {
    return readAddress(text);
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message };
    throw error;
  }
}

function readAddress(text: string): RedisAddress {
  const [, scheme = "", login, hosts = "", path = "", query] = shape.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case "redis":
    case "rediss": {
      readParameters(query, []);
      const endpoints = readHosts(hosts, redisPort);
      const [endpoint] = endpoints;
      if (endpoint === undefined || endpoints.length > 1) {
        throw new Problem("names several hosts; those of a cluster need redis+cluster://");
      }
      const [db, ...rest] = readPath(path);
      if (rest.length > 0) throw new Problem("must have at most a database after the host, such as /0");
      const tls = scheme.toLowerCase() === "rediss";
      return { kind: "single", endpoint, db: readDatabase(db), login: readLogin(login), tls };
    }
    case "redis+sentinel": {
      const parameters = readParameters(query, ["tls", "sentinelUser", "sentinelPassword"]);
      const [name, db, ...rest] = readPath(path);
      if (name === undefined || rest.length > 0) {
        throw new Problem("must name the master after the hosts: redis+sentinel://HOST,HOST,HOST/NAME[/DB]");
      }
      return {
        kind: "sentinel",
        sentinels: readHosts(hosts, sentinelPort),
        name,
        db: readDatabase(db),
        login: readLogin(login),
        sentinelLogin: readSentinelLogin(parameters),
        tls: readTls(parameters),
      };
    }
    case "redis+cluster": {
      const parameters = readParameters(query, ["tls"]);
      if (readPath(path).length > 0) throw new Problem("must not name a database: a cluster has only one");
      const nodes = readHosts(hosts, redisPort);
      return { kind: "cluster", nodes, login: readLogin(login), tls: readTls(parameters) };
    }
    default:
      throw new Problem(`must have the form ${forms}`);
  }
}

function readHosts(text: string, defaultPort: number): readonly RedisEndpoint[] {
  return text.split(",").map((each) => {
    const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(each) ?? [];
    const host = bracketed ?? plain;
    const number = port === undefined ? defaultPort : Number(port);
    // Not repeated: a password with an unescaped @ or / ends up here.
    if (host === undefined)
      throw new Problem(
        "names a host that is none; special characters in user and password are percent-encoded",
      );
    if (number < 1 || number > 65_535) throw new Problem("names a port outside 1 to 65535");
    return { host, port: number };
  });
}

function readPath(path: string): readonly string[] {
  const parts = path.split("/").slice(1).map(decode);
  if (parts.at(-1) === "") parts.pop();
  if (parts.includes("")) throw new Problem("has an empty part in its path");
  return parts;
}

function readDatabase(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,5}$/.test(text)) throw new Problem("must name the database by its number, such as /0");
  return Number(text);
}

function readLogin(text: string | undefined): RedisLogin | undefined {
  if (text === undefined || text === "") return undefined;
  const colon = text.indexOf(":");
  const password = colon < 0 ? "" : decode(text.slice(colon + 1));
  if (password === "") {
    throw new Problem(
      "has a user without a password; write USER:PASSWORD@, or :PASSWORD@ for the default user",
    );
  }
  return { user: decode(text.slice(0, colon)) || undefined, password: new Secret(password) };
}

function readSentinelLogin(parameters: ReadonlyMap<string, string>): RedisLogin | undefined {
  const [user, password] = [parameters.get("sentinelUser"), parameters.get("sentinelPassword")];
  if (password) return { user: user || undefined, password: new Secret(password) };
  if (user !== undefined || password !== undefined)
    throw new Problem("must have a sentinelPassword, if a sentinelUser");
  return undefined;
}

function readTls(parameters: ReadonlyMap<string, string>): boolean {
  const value = parameters.get("tls") ?? "false";
  if (value !== "true" && value !== "false") throw new Problem("must have tls=true or tls=false");
  return value === "true";
}

function readParameters(query: string | undefined, known: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of query ? query.split("&") : []) {
    const [name = "", ...value] = part.split("=");
    if (!known.includes(name)) {
      const allowed = known.length === 0 ? "none is known here" : `known are ${known.join(", ")}`;
      throw new Problem(`has an unknown parameter; ${allowed}`);
    }
    if (found.has(name)) throw new Problem(`has the parameter ${name} twice`);
    found.set(name, decode(value.join("=")));
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Problem("has a % that does not begin an encoded character; write %25 for a percent sign");
  }
}
