import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { knownNames } from "../../http/header-name.ts";
import { headerPairs, type RawHeaders } from "../../http/raw-headers.ts";
import { createMemo } from "../../kernel/memo.ts";

/** A request that an edge has, and asks about: what the browser sent, as the edge says. */
export interface EdgeQuestion {
  readonly method: string;
  /** As it stood in the browser's request line. */
  readonly target: string;
  /** What the browser's `Host` said. */
  readonly host: string;
  /** Names and values in turn: the browser's own, with what the edge put into them. */
  readonly headers: RawHeaders;
  /** What stands for the address of who sent it: the edge's own says nothing of the browser. */
  readonly peer: string;
  /** Whether the edge sends on the query as it is, and takes nothing but the prefix off the path. */
  readonly keepsTarget: boolean;
}

/** They speak of the way to us, or of the question, and not of what the browser wants. */
const ofTheQuestion: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "x-original-uri",
  "x-original-method",
  "x-forwarded-method",
  "x-forwarded-uri",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Whether a name does, or is ours, between the edge and us. Earned by: bench --trial edge. */
const isOfTheQuestion = createMemo(knownNames, (name) => {
  const lower = name.toLowerCase();
  return ofTheQuestion.has(lower) || lower.startsWith("x-qsp-");
});

/**
 * The browser's request, as the door and the identity sources look at requests. It has no body and no connection: what it is
 * asked by is the edge's.
 */
export function toRequest(question: EdgeQuestion, encrypted: boolean): IncomingMessage {
  const { method, target, host, headers, peer } = question;
  const socket = { remoteAddress: peer, encrypted, destroyed: false } as unknown as Socket;
  const request = new IncomingMessage(socket);
  request.method = method;
  request.url = target;
  request.httpVersion = "1.1";
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  const kept = ["Host", host];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (!isOfTheQuestion(name)) kept.push(name, headers[index + 1] ?? "");
  }
  request.rawHeaders = kept;
  // Few sources ask by name.
  Object.defineProperty(request, "headers", { get: () => headersOf(request.rawHeaders) });
  return request;
}

/** One text for each name: values that a name has several of stand in one line, as node writes them. */
function headersOf(raw: RawHeaders): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const [name, value] of headerPairs(raw)) {
    const lower = name.toLowerCase();
    const before = values.get(lower);
    const joint = lower === "cookie" ? "; " : ", ";
    values.set(lower, before === undefined ? value : before + joint + value);
  }
  return Object.fromEntries(values);
}
