import { randomBytes } from "node:crypto";
import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { request as requestSecure } from "node:https";
import { lookupWithLoopback } from "../../upstream/loopback-lookup.ts";
import { cacheMarkOf } from "./session-steps.ts";
import { failed, type Finding, passed, skipped, type Step } from "./step.ts";
import { errorCodeOf, objectOf } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

interface DoorAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What is read of an answer; bytes. */
const mostRead = 64 * 1024;

/** Asks as a stranger outside would: through publicOrigin, without a cookie. */
function knock(visit: Visit, path: string, headers: Readonly<Record<string, string>>): Promise<DoorAnswer> {
  const { publicOrigin = "", prefix, timeouts } = visit.get("options");
  const { protocol, hostname, port } = new URL(publicOrigin);
  const options: RequestOptions = {
    hostname: hostname.replace(/^\[|\]$/g, ""),
    ...(port === "" ? {} : { port }),
    path: prefix + path,
    headers,
    agent: false,
    lookup: lookupWithLoopback,
    signal: AbortSignal.timeout(timeouts.connect + timeouts.login),
  };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => void collect(response).then(resolve, reject);
    const outgoing = protocol === "https:" ? requestSecure(options, take) : request(options, take);
    outgoing.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 101, headers: response.rawHeaders, body: Buffer.alloc(0) });
    });
    outgoing.on("error", reject).end();
  });
}

async function collect(response: IncomingMessage): Promise<DoorAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > mostRead) break;
  }
  return { status: response.statusCode ?? 0, headers: response.rawHeaders, body: Buffer.concat(chunks) };
}

const isOurs = (answer: DoorAnswer): boolean =>
  errorCodeOf(answer).startsWith("QSP-") || typeof objectOf(answer)["authenticated"] === "boolean";

/** Who answers at publicOrigin below the prefix. */
async function publicOrigin(visit: Visit): Promise<Finding> {
  const { publicOrigin: origin = "", prefix } = visit.get("options");
  visit.note("isServed", false);
  let answer: DoorAnswer;
  try {
    answer = await knock(visit, "/_session", { "sec-fetch-site": "same-origin" });
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? (error as Error).name);
    if (code === "ECONNREFUSED")
      return skipped(`nothing listens at ${origin} yet; run doctor again when serve and front door run`);
    return failed("door-unreachable", `${origin}: ${code}`);
  }
  const code = errorCodeOf(answer);
  const found = `GET ${origin}${prefix}/_session answers ${answer.status} ${code}`.trimEnd();
  if (code === "QSP-TARGET" && answer.status === 421) return failed("door-host", found);
  // A front door whose proxy is not there yet says so.
  if (answer.status === 502 && !isOurs(answer))
    return skipped(`${found}: the front door finds no proxy yet; run doctor again when serve runs`);
  if (!isOurs(answer)) return failed("door-elsewhere", found);
  const mark = cacheMarkOf(answer.headers);
  if (mark !== null) return failed("shared-cache", `${found}, with ${mark}`);
  visit.note("isServed", true);
  return passed(found);
}

const notServed = "the proxy is not running behind publicOrigin";

/** Says to be somebody, as a stranger could: the front door must not let that pass. attacks A1 */
async function doorIdentity(visit: Visit): Promise<Finding> {
  const names = [...visit.get("options").identityHeaders];
  if (visit.find("isServed") !== true) return skipped(notServed);
  if (names.length === 0) return skipped("no header says who the user is");
  const stranger = `doctor-${randomBytes(6).toString("hex")}`;
  const headers = Object.fromEntries(names.map((name) => [name, stranger]));
  const answer = await knock(visit, "/_session", { ...headers, "sec-fetch-site": "same-origin" });
  const { subject } = objectOf(answer);
  if (subject === stranger) return failed("door-identity", `${names.join(", ")}: taken from a stranger`);
  return passed(`${names.join(", ")} of a stranger do not reach the proxy`);
}

/** Asks for a WebSocket without being anybody: what reaches us as an upgrade is refused as one. */
async function doorUpgrade(visit: Visit): Promise<Finding> {
  if (visit.find("isServed") !== true) return skipped(notServed);
  const { publicOrigin: origin = "" } = visit.get("options");
  const answer = await knock(visit, "/app/doctor", {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    "sec-fetch-site": "same-origin",
    origin,
  });
  const code = errorCodeOf(answer);
  const found = `an upgrade below publicOrigin answers ${answer.status} ${code}`.trimEnd();
  // As a plain GET it is a path that is not offered; an upgrade gets as far as the question who asks.
  return code === "QSP-POLICY" || !isOurs(answer) ? failed("door-upgrade", found) : passed(found);
}

/** The front door, from outside. */
export const doorSteps: readonly Step[] = [
  { name: "public-origin", needs: ["key"], run: publicOrigin },
  { name: "door-identity", needs: ["public-origin"], run: doorIdentity },
  { name: "door-upgrade", needs: ["public-origin"], run: doorUpgrade },
];
