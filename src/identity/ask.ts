import { type Agent, type IncomingHttpHeaders, request as plainRequest } from "node:http";
import { type Agent as SecureAgent, request as secureRequest } from "node:https";

/** A question to a server that the operator named. */
export interface Question {
  readonly url: URL;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** For everything, from the look-up of the name to the last byte. Milliseconds. */
  readonly timeout: number;
  /** The longest body that is read. */
  readonly mostBytes: number;
  /** Keeps connections; without one, each question has its own. */
  readonly agent?: Agent | SecureAgent;
}

/** What came; a redirect is an answer like any other, and is never followed. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** There was no answer that can be used. The message says why, and holds nothing of the answer. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** Sends a GET and reads the whole answer. @throws NoAnswer */
export async function ask(question: Question): Promise<Answer> {
  try {
    return await askOnce(question);
  } catch (error) {
    // The server closed the kept connection while we wrote on it; it has not seen the question.
    if (error instanceof StaleConnection) return askOnce(question);
    throw error;
  }
}

class StaleConnection extends NoAnswer {}

function askOnce({ url, headers, timeout, mostBytes, agent }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? secureRequest : plainRequest;
    const outgoing = send(url, { agent: agent ?? false, headers: ["host", url.host, ...headers] });
    const fail = (reason: NoAnswer): void => {
      clearTimeout(timer);
      reject(reason);
      outgoing.destroy();
    };
    const timer = setTimeout(() => fail(new NoAnswer(`no whole answer within ${timeout} ms`)), timeout);
    let isAnswered = false;
    outgoing.on("error", (error) => {
      const isStale = !isAnswered && outgoing.reusedSocket && codeOf(error) === "ECONNRESET";
      fail(isStale ? new StaleConnection("the connection was closed") : new NoAnswer(inWords(error)));
    });
    outgoing.on("response", (response) => {
      isAnswered = true;
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > mostBytes) fail(new NoAnswer(`an answer of more than ${mostBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", () => fail(new NoAnswer("the answer broke off")));
      response.on("end", () => {
        clearTimeout(timer);
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    outgoing.end();
  });
}

const codeOf = (error: Error): string =>
  "code" in error && typeof error.code === "string" ? error.code : "";

/** Node's codes are fixed words; its messages may hold text of the other side. */
const inWords = (error: Error): string => {
  const code = codeOf(error);
  if (code === "ECONNREFUSED") return "nothing listens there (ECONNREFUSED)";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `the name cannot be resolved (${code})`;
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_/.test(code)) return `its certificate is not trusted (${code})`;
  return `the connection failed${code === "" ? "" : ` (${code})`}`;
};

/** Reads a body as JSON with members; why it is none. */
export function readObject({
  headers,
  body,
}: Answer): { readonly object: Readonly<Record<string, unknown>> } | { readonly problem: string } {
  const type = headers["content-type"];
  if (type !== undefined && !/^application\/(?:[\w.-]+\+)?json(?:[ ;]|$)/i.test(type))
    return {
      problem: /html/i.test(type) ? "HTML, not JSON: a page, perhaps a login" : "another type than JSON",
    };
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { object: value as Readonly<Record<string, unknown>> };
    return { problem: "JSON that is not an object" };
  } catch {
    return { problem: "a body that is not JSON" };
  }
}
