import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Contender, Place } from "../contenders/contender.ts";
import { logIn } from "../loads/log-in.ts";
import { runWrk } from "../loads/wrk.ts";
import { contenderCore } from "../process/cores.ts";
import { freePort, type Running, startProgram } from "../process/start.ts";
import { nginxPaths } from "../process/nginx-paths.ts";
import { usageOf } from "../process/usage.ts";
import { tableOf } from "../report/tables.ts";
import { median } from "../rounds.ts";
import { publicOrigin, tenantName, usualUsers } from "../site.ts";
import { type Answer, answerNamed, smallest } from "../tenant/answers.ts";
import { makeCertificate } from "../tenant/certificate.ts";
import { startFileTenant } from "../tenant/file-tenant.ts";
import type { Tenant } from "../tenant/tenant.ts";

/** What the trial is made from. */
export interface EdgeTrial {
  /** The repository, for the file that is shipped. */
  readonly root: string;
  /** Our own proxy, and a plain nginx. */
  readonly ours: Contender;
  readonly nginx: Contender;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly folder: string;
  readonly say: (text: string) => void;
}

const sizes: readonly Answer[] = [smallest, answerNamed("10KB"), answerNamed("1MB")];
const connections = 16;

/** Seconds of a round, and of what is not counted before. */
const secondsOf = ({ isQuick }: EdgeTrial): { readonly round: number; readonly warm: number } =>
  isQuick ? { round: 1, warm: 1 } : { round: 5, warm: 4 };

/** Shares of questions that a cache of verdicts would answer. */
const hitRates = [0.5, 0.9] as const;

/** Microseconds of CPU for a request. */
interface Cost {
  readonly plain: number;
  readonly edge: number;
  readonly proxy: number;
}

/**
 * What edge mode costs: the shipped file of nginx and our proxy, which is asked about each request, together beside a plain nginx
 * with a fixed cookie; all to a tenant over TLS.
 */
export async function tryEdge(trial: EdgeTrial): Promise<string> {
  const tenant = await startFileTenant(trial.folder, makeCertificate(trial.folder));
  const running: Running[] = [];
  try {
    const [plainPort, edgePort, proxyPort] = [await freePort(), await freePort(), await freePort()];
    const start = async (name: string, contender: Contender, port: number): Promise<Running> => {
      const folder = folderOf(trial, name);
      const program = contender.program({ port, tenant, folder });
      const spot = { core: contenderCore, port, logFile: join(folder, "log") };
      const started = await startProgram(program, spot);
      running.push(started);
      return started;
    };
    const plain = await start("plain", trial.nginx, plainPort);
    const proxy = await start("proxy", withEdge(trial.ours, folderOf(trial, "proxy")), proxyPort);
    const edge = await startEdge(trial, { port: edgePort, proxyPort, tenant });
    running.push(edge);
    await logIn({ port: proxyPort }, 0, usualUsers);
    const rows: string[][] = [];
    for (const answer of sizes) {
      const costs: Cost[] = [];
      for (let round = 1; round <= trial.rounds; round += 1) {
        const [ofPlain = 0] = await measure(trial, { port: plainPort, answer, watched: [plain] });
        const [ofEdge = 0, ofProxy = 0] = await measure(trial, {
          port: edgePort,
          answer,
          watched: [edge, proxy],
        });
        costs.push({ plain: ofPlain, edge: ofEdge, proxy: ofProxy });
        trial.say(`${answer.title}, round ${round}: done`);
      }
      rows.push(rowOf(answer, costs));
    }
    return [intro(trial), tableOf(head, rows, () => true), ofCache].join("\n\n");
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await tenant.stop();
  }
}

const folderOf = ({ folder }: Pick<EdgeTrial, "folder">, name: string): string => {
  const place = join(folder, `edge-${name}`);
  mkdirSync(place, { recursive: true });
  return place;
};

const edgeSocket = (folder: string): string => join(folder, "edge.sock");
const edgeToken = "e".repeat(32);

/** Ours with an edge listener, which believes what the edge says of the user. */
function withEdge(ours: Contender, folder: string): Contender {
  return {
    ...ours,
    program(place: Place) {
      const tokenFile = join(folder, "edge-token");
      writeFileSync(tokenFile, edgeToken, { mode: 0o600 });
      const program = ours.program(place);
      const env = {
        QSP_EDGE_LISTEN: `unix:${edgeSocket(folder)}`,
        QSP_EDGE_TOKEN_FILE: tokenFile,
        QSP_IDENTITY_TRUSTED_HEADER_FROM: "127.0.0.1/32,edge:",
      };
      return { ...program, env: { ...program.env, ...env } };
    },
  };
}

interface EdgePlace {
  readonly port: number;
  readonly proxyPort: number;
  readonly tenant: Tenant;
}

/** nginx with the file as it is shipped, changed in addresses alone; wrk speaks no TLS. */
async function startEdge(trial: EdgeTrial, { port, proxyPort, tenant }: EdgePlace): Promise<Running> {
  const folder = folderOf(trial, "nginx");
  const token = join(folder, "token");
  writeFileSync(token, `proxy_set_header X-QSP-Edge-Token "${edgeToken}";\n`);
  const changes: readonly (readonly [string, string])[] = [
    ["server 127.0.0.1:8787", `server 127.0.0.1:${proxyPort}`],
    ["unix:/run/qsp-edge.sock", `unix:${edgeSocket(folderOf(trial, "proxy"))}`],
    ["/etc/nginx/qsp-edge-token", token],
    ["server acme.eu.qlikcloud.com:443", `server 127.0.0.1:${tenant.port}`],
    ["acme.eu.qlikcloud.com", tenantName],
    ["/etc/ssl/certs/ca-certificates.crt", tenant.caFile ?? ""],
    ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
    ["ssl_certificate", "# ssl_certificate"],
    ["portal.example.com", new URL(publicOrigin).hostname],
  ];
  const shipped = readFileSync(join(trial.root, "deploy/edge/forward-auth/nginx.conf"), "utf8");
  const server = changes.reduce((text, [from, to]) => text.replaceAll(from, to), shipped);
  const file = join(folder, "nginx.conf");
  writeFileSync(file, mainOf(folder) + server + "}\n");
  return startProgram(
    { command: "nginx", args: ["-p", folder, "-c", file], stopBy: "SIGTERM" },
    { core: contenderCore, port, logFile: join(folder, "log") },
  );
}

const mainOf = (folder: string): string => `daemon off;
user ${userInfo().username};
worker_processes 1;
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000;
  ${nginxPaths(folder)}
`;

interface Measured {
  readonly port: number;
  readonly answer: Answer;
  readonly watched: readonly Running[];
}

/** Microseconds of CPU that each of the programs spends on a request. @throws GateFailed */
async function measure(trial: EdgeTrial, { port, answer, watched }: Measured): Promise<number[]> {
  const place = folderOf(trial, "load");
  const { round, warm } = secondsOf(trial);
  const load = { port, path: answer.path, connections, users: usualUsers, order: "in turn" } as const;
  await runWrk({ ...load, seconds: warm }, place);
  const usages = watched.map(({ pid }) => usageOf(pid));
  const before = usages.map((usage) => usage.cpu());
  const { units } = await runWrk({ ...load, seconds: round }, place);
  return usages.map((usage, index) => (1e6 * (usage.cpu() - (before[index] ?? 0))) / units);
}

const head = [
  "Answer",
  "plain nginx µs",
  "edge: nginx µs",
  "edge: proxy µs",
  "edge / plain",
  ...hitRates.map((rate) => `at ${100 * rate} % hits, at best`),
];

function rowOf({ title }: Answer, costs: readonly Cost[]): string[] {
  const middle = (of: (cost: Cost) => number): number => median(costs.map(of));
  const plain = middle((cost) => cost.plain);
  const [edge, proxy] = [middle((cost) => cost.edge), middle((cost) => cost.proxy)];
  const ratio = (edge + proxy) / plain;
  return [
    title,
    plain.toFixed(0),
    edge.toFixed(0),
    proxy.toFixed(0),
    ratio.toFixed(2),
    ...hitRates.map((rate) => (1 + (1 - rate) * (ratio - 1)).toFixed(2)),
  ];
}

const intro = ({ rounds }: EdgeTrial): string =>
  `Edge mode beside a plain nginx with a fixed cookie: CPU of a request, median of ${rounds}. The goal: 2.50 for both processes together.`;

const ofCache = `The last columns are computed, not measured: a cache of verdicts can save the question and nothing else, so that of what edge mode
costs more than a plain nginx, the share that misses stays: 1 + (1 - hits) × (edge / plain - 1). A hit is the same method, raw
address, Cookie, Authorization, every other identity header, Origin, Sec-Fetch-* and Referer within a second (rules R10): one file
that is asked for in ranges or by several frames of one user. The different files of a page are no hits.`;
