import { createRequire } from "node:module";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import type { Contender } from "../contenders/contender.ts";
import { versionOf } from "../contenders/programs.ts";
import type { SessionFigure } from "../loads/sessions.ts";
import type { Command } from "../options.ts";
import { canPin } from "../process/cores.ts";
import type { Figure } from "../rounds.ts";
import { goalTable, loadTables, noNumbers, requestTable, sessionTable, tableOf } from "./tables.ts";

/** Everything that a run came to. */
export interface Run {
  readonly command: Command;
  readonly date: Date;
  /** How busy the machine was before the run began. */
  readonly loadBefore: number;
  readonly contenders: readonly Contender[];
  /** Who could not be had, and why. */
  readonly missing: readonly string[];
  readonly figures: readonly Figure[];
  readonly sessions: readonly SessionFigure[];
  /** Why there are no figures of many sessions, where there should be some. */
  readonly sessionFailure?: string;
}

/** How busy the machine is: processes that want to run, over the last minute. */
export const busyness = (): number => loadavg()[0] ?? 0;

const cannotTell = `The figures are good as ratios within one run, and hardly beyond it.

- The load shares a core with the tenant, so requests per second are limited by that core for the fast contenders, and
  latencies are those of a proxy that is kept as busy as it can be, not of a quiet one. Pages are the exception: they come at
  their own pace, and their latency is that of a page.
- What else runs on the machine can only make a figure worse: "best" is nearer to a quiet machine than the median, and two
  figures closer than a fifth are a tie. Programs whose code is compiled while it runs suffer more from it than the others.
- At the end of each round the load breaks off what is on its way, and proxies close the connections that carried it: "opened" says
  how many had to be opened again in the next round. Over TLS each costs as much as many requests.
- The bytes of sockets that the kernel holds are not in any process's memory.
- Every contender is one process on one core; nothing is said of several, of HTTP/2 or TLS towards the browser, or of a tenant
  that is far away.
- The other proxies do less: they replace one cookie, and have no site guard, policy, log or session that ends. They share
  their connections among all users, which a load of eight hardly shows; the pages show it.
- Idle sockets of ours carry their share of a session: there are 25 of them in each.`;

const undici = createRequire(import.meta.url)("undici/package.json") as { readonly version: string };

/** Of what runs beside the contenders, or inside ours. */
const versions = (): string =>
  [
    `Node ${process.version} (OpenSSL ${process.versions.openssl}, V8 ${process.versions.v8})`,
    ...["wrk", "nginx"].map((name) => `${name} ${versionOf(name, ["-v"]) ?? "?"}`),
    `undici ${undici.version}`,
  ].join(", ");

function machine({ date, loadBefore, command }: Run): string {
  const [cpu] = cpus();
  const memory = (totalmem() / 1024 ** 3).toFixed(0);
  const pinned = canPin
    ? "contenders on core 1, tenant and load on core 0"
    : "nothing could be bound to a core";
  const rounds = command.rounds === 1 ? "One round" : `${command.rounds} rounds`;
  return [
    `Run on ${date.toISOString().slice(0, 10)}: ${cpus().length} × ${cpu?.model.trim() ?? "?"}, ${memory} GiB, ${platform()} ${release()} ${arch()}.`,
    `Load average ${loadBefore.toFixed(1)} before it began; ${pinned}. ${rounds} of one second for each load (3 at most of pages and for onlookers),`,
    "contenders in a new order in each, each of them warm before its first: the median of the rounds, and the best of them.",
    `${versions()}; the tenant is nginx with TLS 1.3 and an ECDSA P-256 certificate.`,
  ].join("\n");
}

const contenderTable = ({ contenders }: Run): string =>
  tableOf(
    ["Contender", "Role", "Version", "Set-up"],
    contenders.map(({ name, role, version, what }) => [name, role, version(), what]),
    noNumbers,
  );

const columns = `CPU is that of the contender's process and its children, user and system, divided by what was done; "best" is the best round,
and the ratios are of medians. "opened" is how many connections to the tenant were opened in a round, where the tenant counts
them. Peak is the most memory (RSS) in any round.

Of a page, 30 small requests (200 B and 10 KB, half of them JSON) come six at a time on connections of a new browser, then
nothing until the same person comes back. There are ten pages in a second, whoever's they are: one person comes back within
the five seconds that an unused connection is kept, one of 100 after ten seconds on average, one of 5000 never in
time. \`shared-pool\` is the product with one part replaced by the bench: one pool of connections for everybody, which the product
does not offer
([decision 0006](../decisions/0006-upstream-connections-are-not-shared-between-sessions.md)). The difference is what it costs that
nobody's connection carries another's requests.`;

/** The tables of a run, as Markdown. */
export function report(run: Run): string {
  const tables = loadTables(run.figures);
  const parts = [
    machine(run),
    contenderTable(run),
    ...(run.missing.length === 0 ? [] : [`Not measured: ${run.missing.join("; ")}.`]),
    "## Goals",
    goalTable(run.figures, run.sessions),
    "## Loads",
    ...(tables.length === 0 ? [] : [columns]),
    ...tables.flatMap(({ title, text, failures }) => [
      `### ${title}`,
      text,
      ...failures.map((each) => `${each}.`),
    ]),
    ...sessionParts(run),
    "## What it cannot tell",
    cannotTell,
  ];
  return parts.join("\n\n");
}

const manySessions = `Ours only, over plain connections, in one process that is given more and more sessions. Heap is what is held after a full
collection, for each session that was added; RSS is the memory of the process.`;

const manyRequests = `A request is measured while eight of the sessions are in use and the others merely exist; in turn with it, in a second process
that has next to no other sessions ("few"): only what differs between these two is due to the number. It is the collector if
its pauses differ, or its helpers ("other threads", with the compiler); otherwise it is our own code. Then all are in use, by
chance: each session has connections of its own, and "opened a request" says how many requests needed a new one.`;

function sessionParts({ sessions, sessionFailure }: Run): string[] {
  if (sessions.length === 0 && sessionFailure === undefined) return [];
  return [
    "## Many sessions",
    manySessions,
    ...(sessions.length === 0 ? [] : [sessionTable(sessions), manyRequests, requestTable(sessions)]),
    ...(sessionFailure === undefined ? [] : [`No number: ${sessionFailure}.`]),
  ];
}

/** The whole document. */
export const documentOf = (run: Run): string => `# Performance

What a request costs through this proxy and through others, in CPU of the proxy's process. This page is written by
\`npm run bench -- --write\`; \`npm run bench -- --help\` says what else it can do.

Every contender stands in front of the same tenant, below the same prefix, and is sent the same requests of a browser with 14
headers. Ours is \`qlik-session-proxy serve\` with its defaults: identity, site guard, policy, session, headers and links are
looked after, and each exchange is logged to a file. The only other settings are those that one machine needs, and a higher
\`limits.loginsPerMinute\`. The others replace one cookie. A request without exactly the right cookie is refused by the tenant and
counts as an error; bodies are compared byte for byte before, while and after a load runs. Who fails has no number.

${report(run)}
`;
