import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { markedSubjects } from "./answers.ts";
import { publicOrigin } from "./requests.ts";

const headersOf = (subject: string): Record<string, string> => ({
  host: new URL(publicOrigin).host,
  origin: publicOrigin,
  "sec-fetch-site": "same-origin",
  "x-user-sub": subject,
});

/** Milliseconds; a machine that is busy may take its time, a request that hangs may not. */
const patience = 10_000;

interface Answered {
  readonly status: number;
  readonly body: string;
}

function get(port: number, subject: string, path: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, host: "127.0.0.1", path, headers: headersOf(subject), agent: false, timeout: patience },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer in ${patience} ms`)));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Opens a socket, says something, and closes it; gives what came, or why nothing did. */
function talk(port: number, subject: string): Promise<string> {
  const { host, ...headers } = headersOf(subject);
  const ws = new WebSocket(`ws://127.0.0.1:${port}/qlik/app/control`, {
    headers: { ...headers, host: host ?? "" },
    handshakeTimeout: patience,
  });
  return new Promise((resolve) => {
    let heard = "";
    const timer = setTimeout(() => ws.terminate(), patience);
    ws.on("open", () => ws.send("control"));
    ws.on("message", (data: Buffer) => {
      heard += `${data.toString("utf8")}\n`;
      if (heard.includes(" control")) ws.close(1000);
    });
    ws.on("error", (error) => (heard += `${error.message}\n`));
    ws.on("close", () => {
      clearTimeout(timer);
      resolve(heard);
    });
  });
}

/** Why an answer is not what this user should see; null where it is. */
function wrongAbout(text: string, subject: string): string | null {
  const seen = markedSubjects(text);
  if (seen.length === 0) return `nothing of the user's own: ${text.slice(0, 200)}`;
  const foreign = seen.find((each) => each !== subject);
  return foreign === undefined ? null : `data of another user: ${foreign}`;
}

/** A login that was just refused for others is held back for a moment; a user who asks again is let in. */
async function getWithPatience(port: number, subject: string, path: string): Promise<Answered> {
  const until = performance.now() + patience;
  for (;;) {
    const answer = await get(port, subject, path);
    if (answer.status !== 503 && answer.status !== 502) return answer;
    if (performance.now() > until) return answer;
    await sleep(100);
  }
}

/**
 * Does what well-behaved browsers do: a request and a socket of a user with a session, and of one who comes for the first
 * time. Gives why it does not work as it should; null where it does.
 */
export async function control(
  port: number,
  { known, newcomer }: { readonly known: string; readonly newcomer: string },
): Promise<string | null> {
  for (const subject of [known, newcomer]) {
    const path = "/qlik/api/v1/items?control";
    try {
      const answer = await getWithPatience(port, subject, path);
      if (answer.status !== 200)
        return `a request of ${subject} was answered ${answer.status}: ${answer.body}`;
      const wrong = wrongAbout(answer.body, subject) ?? wrongAbout(await talk(port, subject), subject);
      if (wrong !== null) return `${subject} saw ${wrong}`;
    } catch (error) {
      return `a request of ${subject} failed: ${String(error)}`;
    }
  }
  return null;
}
