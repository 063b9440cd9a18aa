import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import type { Contender } from "../contenders/contender.ts";
import { versionOf } from "../contenders/programs.ts";
import type { SessionFigure } from "../loads/sessions.ts";
import type { Command } from "../options.ts";
import { canPin } from "../process/cores.ts";
import type { Figure } from "../rounds.ts";
import { goalTable, loadTables, noNumbers, sessionTable, tableOf } from "./tables.ts";

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

const cannotTell = `The figures are good as ratios within one run, and hardly beyond it. The load shares a core with the tenant, so requests per
second are limited by that core for the fast contenders, and latencies are those of a proxy that is kept as busy as it can
be, not of a quiet one. What else runs on the machine can only make a figure worse: "best" is nearer to a quiet machine than
the median, and two figures closer than a fifth are a tie. The bytes of sockets that the kernel holds are not in any process's
memory. Every contender is one process on one core; nothing is said of several, of HTTP/2, of TLS towards the browser, or of a
tenant that is far away. The other proxies do less: they replace one cookie, and have no site guard, policy, log or session
that ends. A session's connections are its own here, which a load of eight users hardly shows; "all in use" shows it. Idle sockets of ours carry
their share of a session: there are 25 of them in each.`;

function machine({ date, loadBefore, command }: Run): string {
  const [cpu] = cpus();
  const memory = (totalmem() / 1024 ** 3).toFixed(0);
  const pinned = canPin
    ? "contenders on core 1, tenant and load on core 0"
    : "nothing could be bound to a core";
  const rounds = command.rounds === 1 ? "One round" : `${command.rounds} rounds`;
  return [
    `Run on ${date.toISOString().slice(0, 10)}: ${cpus().length} × ${cpu?.model.trim() ?? "?"}, ${memory} GiB, ${platform()} ${release()} ${arch()}.`,
    `Load average ${loadBefore.toFixed(1)} before it began; ${pinned}. ${rounds} of one second for each load,`,
    "contenders in a new order in each; the median of the rounds, and the best of them.",
    `Node ${process.version}, wrk ${versionOf("wrk", ["-v"]) ?? "?"}; the tenant is nginx ${versionOf("nginx", ["-v"]) ?? "?"} with TLS 1.3 and an ECDSA P-256 certificate.`,
  ].join("\n");
}

const contenderTable = ({ contenders }: Run): string =>
  tableOf(
    ["Contender", "Version", "Set-up"],
    contenders.map(({ name, version, what }) => [name, version(), what]),
    noNumbers,
  );

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

function sessionParts({ sessions, sessionFailure }: Run): string[] {
  if (sessions.length === 0 && sessionFailure === undefined) return [];
  return [
    "## Many sessions",
    "Ours only, over TLS. What a session costs in memory, and what a request costs while so many sessions are there.",
    ...(sessions.length === 0 ? [] : [sessionTable(sessions)]),
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
