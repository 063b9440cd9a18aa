import { parseArgs } from "node:util";
import type { StandingTarget } from "./suite.ts";
import { type Claim, claims, type Target } from "./target.ts";
import { placeOf } from "./launch/place.ts";

/** Thrown for a command line that makes no sense; its message is for the person who wrote it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;
const flag = { type: "boolean", default: false } as const;

const options = {
  target: text,
  upstream: text,
  user: texts,
  "other-user": texts,
  origin: text,
  host: text,
  sibling: text,
  foreign: text,
  "read-path": text,
  "write-path": text,
  "denied-path": texts,
  "reserved-path": texts,
  "page-path": text,
  "socket-path": text,
  "logout-path": text,
  "return-path": text,
  credential: text,
  owned: texts,
  "login-path": text,
  "login-cookies": text,
  "token-path": text,
  "token-header": text,
  "untrusted-address": text,
  claims: text,
  patience: text,
  proxy: text,
  holes: flag,
  table: flag,
  built: flag,
  only: text,
  json: flag,
  list: flag,
  help: flag,
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];

/** What a command line asks for. */
export interface Command {
  readonly mode: "own" | "standing" | "peer" | "holes" | "table" | "list" | "help";
  /** A described proxy; with the mode "standing" only. */
  readonly standing?: StandingTarget;
  /** The name of a peer; with the mode "peer" only. */
  readonly peer?: string;
  /** Beginnings of the ids to be tried, or names of holes; all if it is missing. */
  readonly only?: readonly string[];
  readonly json: boolean;
  /** Whether the built package is taken as it stands. */
  readonly built: boolean;
}

/** Reads a command line. @throws UsageError */
export function readCommand(args: readonly string[]): Command {
  const values = parse(args);
  const asked = [values.target, values.proxy, values.holes, values.table].filter(Boolean);
  if (asked.length > 1)
    throw new UsageError("only one of --target, --proxy, --holes and --table can be asked for");
  const common = {
    json: values.json,
    built: values.built,
    ...(values.only === undefined ? {} : { only: values.only.split(",").map((each) => each.trim()) }),
  };
  if (values.help) return { mode: "help", ...common };
  if (values.list) return { mode: "list", ...common };
  if (values.holes) return { mode: "holes", ...common };
  if (values.table) return { mode: "table", ...common };
  if (values.proxy !== undefined) return { mode: "peer", peer: values.proxy, ...common };
  if (values.target !== undefined)
    return { mode: "standing", standing: describe(values, values.target), ...common };
  return { mode: "own", ...common };
}

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The proxy that the options describe. */
function describe(values: Values, url: string): StandingTarget {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UsageError(`--target ${url} is not an http or https URL`);
  if (values.upstream === undefined) {
    throw new UsageError("--upstream HOST:PORT must say where the suite is to listen, behind the proxy");
  }
  const { origin: own, pathname } = new URL(url);
  const origin = originOf(values.origin ?? own, "--origin");
  const { user = [], "other-user": other = [] } = values;
  const claimed = claimsOf(values.claims ?? (other.length === 0 ? "" : "users"));
  if (claimed.has("users") && (user.length === 0 || other.length === 0)) {
    throw new UsageError('the claim "users" needs --user and --other-user');
  }
  const readPath = pathOf(values["read-path"] ?? "/", "--read-path");
  const target: Target = {
    name: url,
    place: placeOf(url),
    prefix: pathname.replace(/\/+$/, ""),
    host: values.host ?? new URL(origin).host,
    origin,
    sibling: originOf(values.sibling ?? siblingOf(origin), "--sibling"),
    foreign: originOf(values.foreign ?? "https://evil.example", "--foreign"),
    user: { name: "user", lines: user.map(lineOf) },
    other: other.length === 0 ? undefined : { name: "other", lines: other.map(lineOf) },
    readPath: readPath === "/" ? "" : readPath,
    writePath: pathOf(values["write-path"] ?? readPath, "--write-path"),
    deniedPaths: (values["denied-path"] ?? []).map((path) => pathOf(path, "--denied-path")),
    reservedPaths: (values["reserved-path"] ?? []).map((path) => pathOf(path, "--reserved-path")),
    pagePath: values["page-path"],
    socketPath: values["socket-path"],
    logoutPath: values["logout-path"],
    returnPath: values["return-path"],
    credential: (values.credential ?? "cookie").toLowerCase(),
    owned: values.owned ?? [],
    untrustedAddress: values["untrusted-address"],
    claims: claimed,
    patience: secondsOf(values.patience ?? "30") * 1000,
  };
  return { target, upstream: listenerOf(values.upstream), duties: dutiesOf(values) };
}

const dutiesOf = (values: Values): StandingTarget["duties"] => ({
  loginPath: values["login-path"],
  loginCookies: (values["login-cookies"] ?? "session").split(","),
  tokenPath: values["token-path"],
  tokenHeader: values["token-header"],
});

function listenerOf(authority: string): StandingTarget["upstream"] {
  const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(authority) ?? [];
  if (host === "") throw new UsageError(`--upstream ${authority} is not HOST:PORT`);
  return { host, port: Number(port) };
}

function originOf(value: string, option: string): string {
  if (!URL.canParse(value) || new URL(value).origin !== value)
    throw new UsageError(`${option} ${value} is not an origin such as https://portal.example.com`);
  return value;
}

/** Another sub-domain of the same site, or another port where there are no sub-domains. */
function siblingOf(origin: string): string {
  const { protocol, hostname, port } = new URL(origin);
  if (/^[\d.]+$|^\[|^localhost$/.test(hostname))
    return `${protocol}//${hostname}:${port === "9" ? "10" : "9"}`;
  return `${protocol}//other.${hostname.split(".").slice(-2).join(".")}`;
}

function lineOf(line: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: *\S/.test(line))
    throw new UsageError(`"${line}" is not a header line "Name: value"`);
  return line;
}

function pathOf(path: string, option: string): string {
  if (!path.startsWith("/")) throw new UsageError(`${option} ${path} does not begin with a slash`);
  return path;
}

function claimsOf(list: string): ReadonlySet<Claim> {
  const known = Object.keys(claims) as Claim[];
  if (list === "all") return new Set(known);
  const names = list.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !known.includes(name as Claim));
  if (unknown !== undefined) throw new UsageError(`--claims: "${unknown}" is none of ${known.join(", ")}`);
  return new Set(names as Claim[]);
}

function secondsOf(value: string): number {
  const seconds = Number(value);
  if (!(seconds > 0 && seconds <= 600))
    throw new UsageError(`--patience ${value} is not a number of seconds`);
  return seconds;
}
