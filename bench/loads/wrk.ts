import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { browserHeaders, prefix, userName } from "../site.ts";
import { GateFailed, type Worked } from "./load.ts";

/** A load that wrk makes. */
export interface WrkLoad {
  readonly port: number;
  /** Path at the tenant. */
  readonly path: string;
  readonly connections: number;
  /** Whole ones are exact; half of one is ended by a signal, and good enough for a look. */
  readonly seconds: number;
  /** How many users there are, and whether they come one after the other or by chance. */
  readonly users: number;
  readonly order: "in turn" | "by chance";
}

/** What wrk counted. */
export interface WrkCounts extends Worked {
  /** Bytes read, of answers that were not whole at the end too. */
  readonly bytes: number;
}

/** How long wrk waits for one answer; its default of 2 s is too short for a large one on a slow contender. */
const patience = "30s";

/** What stands in the request in place of the user's number. */
const mark = "{user}";

/** Lua reads JSON's texts, as long as they hold no slash behind a backslash and nothing beyond ASCII. */
const lua = (text: string): string => JSON.stringify(text);

function script({ path, users, order }: WrkLoad): string {
  const head = [
    `GET ${prefix}${path} HTTP/1.1`,
    ...browserHeaders(userName(0).replace("0", mark)).map(([name, value]) => `${name}: ${value}`),
  ];
  const parts = `${head.join("\r\n")}\r\n\r\n`.split(mark).map(lua);
  return `local users = ${users}
local made = {}
local at = 0
local function make(user)
  return table.concat({${parts.join(", user, ")}})
end
function request()
  ${order === "in turn" ? "at = at + 1; if at == users then at = 0 end" : "at = math.random(0, users - 1)"}
  local text = made[at]
  if not text then text = make(at); made[at] = text end
  return text
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('COUNTS {"requests":%d,"bytes":%d,"micros":%d,"p50":%d,"p99":%d,"errors":[%d,%d,%d,%d,%d]}\\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
`;
}

interface Counts {
  readonly requests: number;
  readonly bytes: number;
  readonly micros: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: readonly number[];
}

const errorNames = ["connect", "read", "write", "status of 400 and above", "time-out"];

/** Runs wrk once. @throws GateFailed where there was any error */
export async function runWrk(load: WrkLoad, folder: string): Promise<WrkCounts> {
  const file = join(folder, `load-${load.port}.lua`);
  writeFileSync(file, script(load));
  const { port, connections, seconds } = load;
  const shape = ["-t", "1", "-c", String(connections), "-d", `${Math.ceil(seconds)}s`, "--timeout", patience];
  const endAfter = Number.isInteger(seconds) ? undefined : seconds * 1000;
  const output = await outputOf("wrk", [...shape, "-s", file, `http://127.0.0.1:${port}/`], endAfter);
  const line = /^COUNTS (\{.*\})$/m.exec(output)?.[1];
  // On a busy machine the signal may find it before it listens for one.
  if (line === undefined && endAfter !== undefined)
    return runWrk({ ...load, seconds: Math.ceil(seconds) }, folder);
  if (line === undefined) throw new Error(`wrk said: ${output}`);
  const { requests, bytes, micros, p50, p99, errors } = JSON.parse(line) as Counts;
  const wrong = errors.flatMap((count, index) => (count === 0 ? [] : [`${errorNames[index]}: ${count}`]));
  if (wrong.length > 0) throw new GateFailed(`errors under load: ${wrong.join(", ")}`);
  const counts = { units: requests, seconds: micros / 1e6, bytes };
  // No whole answer, no latency.
  return requests === 0 ? counts : { ...counts, p50: p50 / 1000, p99: p99 / 1000 };
}

/** Runs a command; after so many milliseconds it is asked to come to its end, and says what it has. */
function outputOf(command: string, args: readonly string[], endAfter?: number): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const timer = endAfter === undefined ? undefined : setTimeout(() => child.kill("SIGINT"), endAfter);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}
