import { parseArgs } from "node:util";

/** Thrown for a command line that makes no sense; its message is for the person who wrote it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a command line asks for. */
export interface Command {
  readonly isHelp: boolean;
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Names of contenders; undefined for all. */
  readonly only: readonly string[] | undefined;
  /** Names of loads; undefined for all. */
  readonly loads: readonly string[] | undefined;
  readonly idleSockets: number;
  /** How many sessions there are, from the smallest number to the largest. */
  readonly sessions: readonly number[];
  /** How many people visit pages, from the smallest number to the largest. */
  readonly pages: readonly number[];
  /** A question that is answered beside the product. */
  readonly trial: string | undefined;
  /** A program of Node that is measured too. */
  readonly peer: string | undefined;
  readonly write: boolean;
  /** Whether the built package is taken as it stands. */
  readonly built: boolean;
}

/** What `--help` prints. */
export const usage = `Usage: npm run bench -- [options]

Measures the built proxy beside the public ones: CPU for each request, latency, memory. Every contender has a process of
its own on core 1; tenant and load are on core 0. A contender that does not do what is measured gets no number.
Exit status: 0 all were measured, 1 a contender failed a gate, 2 nothing could be measured.

  --quick             less than 3 minutes: 1 round, ours beside nginx and http-proxy, no JSON, no pages, 1000 idle sockets,
                      1000 sessions
  --rounds N          rounds of each load; 5 by default. Who is no yardstick of a goal has 3 at most, and so have pages
  --only A,B          contenders: ours, ours-undici, ours-own, shared-pool (for pages), bare (ours without its features),
                      nginx, nginx-large-buffers (from 1 MB on), haproxy, caddy, go, http-proxy, httpxy, reply-from,
                      http-proxy-middleware, hono
  --loads A,B         loads: 200B, 200B-json, 10KB, 10KB-json, 1MB, 50MB, pages, pages-1, pages-100, pages-5000, each also
                      as plain/200B or tls/200B; 50MB-up, idle-sockets, echo, stream, handshakes, sessions
  --idle-sockets N    5000 by default
  --sessions A,B      1000,10000,100000 by default
  --pages A,B         how many people visit pages; 1,100,5000 by default
  --trial http2       not the proxy, but its way to the tenant alone: HTTP/2 beside HTTP/1.1
  --trial workers     how many times as much two workers answer as one, on the cores that there are
  --trial profile     where the time of a request goes in ours: by room, in Node, in the system
  --trial edge        edge mode: nginx and the proxy that it asks, together beside a plain nginx
  --peer FILE         a program of Node to be measured too; it is told what the set-ups of bench/peers/ are told
  --write             writes docs/reference/performance.md
  --built             takes the package as it was built last, however old that is`;

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

const options = {
  quick: flag,
  rounds: text,
  only: text,
  loads: text,
  "idle-sockets": text,
  sessions: text,
  pages: text,
  trial: text,
  peer: text,
  write: flag,
  built: flag,
  help: flag,
} as const;

/** What a quick look looks at. */
const quickOnly = ["ours", "nginx", "http-proxy"];
const quickLoads = "200B,10KB,1MB,50MB,50MB-up,idle-sockets,echo,stream,handshakes,sessions";

/** Reads a command line. @throws UsageError */
export function readCommand(args: readonly string[]): Command {
  const values = parse(args);
  const { quick } = values;
  return {
    isHelp: values.help,
    isQuick: quick,
    rounds: count(values.rounds ?? (quick ? "1" : "5"), "--rounds"),
    only: listOf(values.only) ?? (quick ? quickOnly : undefined),
    loads: listOf(values.loads ?? (quick ? quickLoads : undefined)),
    idleSockets: count(values["idle-sockets"] ?? (quick ? "1000" : "5000"), "--idle-sockets"),
    sessions: counts(values.sessions ?? (quick ? "1000" : "1000,10000,100000"), "--sessions"),
    pages: counts(values.pages ?? "1,100,5000", "--pages"),
    trial: values.trial,
    peer: values.peer,
    write: values.write,
    built: values.built,
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof options }>>["values"] {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const listOf = (value: string | undefined): string[] | undefined =>
  value?.split(",").map((each) => each.trim());

const counts = (value: string, option: string): number[] =>
  (listOf(value) ?? []).map((each) => count(each, option)).toSorted((one, other) => one - other);

function count(value: string, option: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new UsageError(`${option} ${value} is not a number of 1 or more`);
  return Number(value);
}
