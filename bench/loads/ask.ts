import { createHash } from "node:crypto";
import { type Agent, type IncomingMessage, request } from "node:http";
import type { Standing } from "../contenders/contender.ts";
import { browserHeaders, prefix, publicOrigin } from "../site.ts";
import { type Answer, bodyOf, sha256 } from "../tenant/answers.ts";
import { GateFailed } from "./load.ts";

/** How long one checked request may take. Milliseconds. */
const patience = 30_000;

/** One request to a contender. */
export interface Question {
  readonly user: string;
  readonly method?: string;
  /** Path at the tenant. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly agent?: Agent;
}

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly message: IncomingMessage;
  readonly sha256: string;
  /** The body, where it is small. */
  readonly text: string;
}

/** Asks a contender as a browser would. @throws GateFailed where nothing, or only part of an answer, comes back */
export function ask(standing: Pick<Standing, "port">, question: Question): Promise<Reply> {
  const { user, method = "GET", path, headers = {}, body, agent } = question;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new GateFailed(`${path}: ${error.message}`, { cause: error }));
    const asked = request({
      host: "127.0.0.1",
      port: standing.port,
      method,
      path: prefix + path,
      headers: {
        ...Object.fromEntries(browserHeaders(user)),
        ...headers,
        ...(body ? { "Content-Length": String(body.length) } : {}),
      },
      agent: agent ?? false,
      timeout: patience,
    });
    asked.on("timeout", () => asked.destroy(new Error(`nothing for ${patience} ms`)));
    asked.on("error", fail);
    asked.on("response", (message) => {
      const hash = createHash("sha256");
      let text = "";
      message.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        if (text.length < 1024) text += chunk.toString("latin1");
      });
      message.on("error", fail);
      message.on("end", () =>
        resolve({ status: message.statusCode ?? 0, message, sha256: hash.digest("hex"), text }),
      );
    });
    asked.end(body);
  });
}

/** The bytes that must arrive: the tenant's own, or with its links turned into ours. rules R6 */
function expected(standing: Standing, answer: Answer): Buffer {
  const body = bodyOf(answer, standing.tenant.origin);
  if (answer.type !== "application/json" || !standing.contender.rewritesLinks) return body;
  const link = `"href":"${standing.tenant.origin}/`;
  return Buffer.from(body.toString().replaceAll(link, `"href":"${publicOrigin}${prefix}/`));
}

const digests = new Map<string, string>();

function digestOf(standing: Standing, answer: Answer): string {
  const key = [answer.name, standing.tenant.origin, standing.contender.rewritesLinks].join(" ");
  const known = digests.get(key) ?? sha256(expected(standing, answer));
  digests.set(key, known);
  return known;
}

/** Fetches an answer and compares every byte. @throws GateFailed */
export async function checkAnswer(standing: Standing, answer: Answer, user: string): Promise<void> {
  const reply = await ask(standing, { user, path: answer.path });
  if (reply.status === 409)
    throw new GateFailed("the tenant did not get exactly the cookie that replaces the browser's");
  if (reply.status !== 200) throw new GateFailed(`${answer.path} is answered ${reply.status}: ${reply.text}`);
  if (reply.sha256 !== digestOf(standing, answer))
    throw new GateFailed(`${answer.path} does not arrive byte for byte`);
  if (reply.message.headers["set-cookie"])
    throw new GateFailed("the tenant's cookies are passed on to the browser");
}
