import { setTimeout as sleep } from "node:timers/promises";
import { jsonAnswer, statusAnswer, type Answer } from "../answer.ts";
import { readJsonObject, type SignedInExchange } from "../exchange.ts";
import { rest, type Route } from "../router.ts";
import { visibleApps } from "../visible-apps.ts";

async function readPrompt(exchange: SignedInExchange): Promise<string | undefined> {
  const body = await readJsonObject(exchange);
  const input = body?.["input"];
  const prompt = (input as { readonly prompt?: unknown } | undefined)?.prompt ?? body?.["prompt"];
  return typeof prompt === "string" && prompt !== "" ? prompt : undefined;
}

/** What the local assistant knows: which apps there are. */
function reply({ tenant, session }: SignedInExchange, prompt: string): string {
  const names = visibleApps(tenant, session.user).map(({ name }) => name);
  return `${session.user.name}, you asked: ${prompt} This tenant has ${names.length} apps: ${names.join(", ")}.`;
}

async function* stream(exchange: SignedInExchange, prompt: string): AsyncGenerator<Uint8Array> {
  for (const [index, word] of reply(exchange, prompt).split(" ").entries()) {
    if (index > 0) await sleep(exchange.tenant.modes.eventInterval, undefined, { ref: false });
    const output = index === 0 ? word : ` ${word}`;
    yield Buffer.from(`id: ${index + 1}\ndata: ${JSON.stringify({ output })}\n\n`);
  }
}

/** Answers word by word as server-sent events (facts §5.6). */
async function streamThread(exchange: SignedInExchange): Promise<Answer> {
  const prompt = await readPrompt(exchange);
  if (prompt === undefined) return statusAnswer(400, "Bad request");
  return {
    status: 200,
    headers: [
      ["Content-Type", "text/event-stream"],
      ["Cache-Control", "no-cache"],
    ],
    body: stream(exchange, prompt),
  };
}

async function invokeThread(exchange: SignedInExchange): Promise<Answer> {
  const prompt = await readPrompt(exchange);
  if (prompt === undefined) return statusAnswer(400, "Bad request");
  return jsonAnswer(200, { question: prompt, output: reply(exchange, prompt), sources: [] });
}

const PATH = "/api/v1/assistants/:assistantId/threads/:threadId/actions";

/** Assistants: the one thing of the tenant that streams an answer while it is made. */
export const assistantRoutes: readonly Route[] = [
  rest(`POST ${PATH}/stream`, streamThread),
  rest(`POST ${PATH}/invoke`, invokeThread),
];
