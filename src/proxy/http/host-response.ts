import type { ServerResponse } from "node:http";
import type { OwnAnswer } from "../../http/own-answer.ts";
import { destroyResponse } from "./waiting-response.ts";

/** `writeHead` as node made it; another one belongs to a middleware that wants to see the headers. */
type Written = ServerResponse & { readonly _header: unknown };

/**
 * Writes the head of a response that the host framework may have begun.
 *
 * Headers in one flat array are the cheap way and keep their order, but they replace what the host has set, its own
 * cookie included; so they are used on an untouched response only. rules R8
 */
export function writeHead(response: ServerResponse, status: number, headers: readonly string[]): void {
  addHead(response, status, headers);
  // Behind an earlier answer node would put the head before all that waits with it: a "100 Continue" would land in the body.
  if (response.socket === null) response.flushHeaders();
}

function addHead(response: ServerResponse, status: number, headers: readonly string[]): void {
  response.sendDate = !has(headers, "date");
  // The array of HTTP/2 has other rules in each version of node.
  const isUntouched = response.getHeaderNames().length === 0 && !Object.hasOwn(response, "writeHead");
  if (isUntouched && !("stream" in response)) {
    response.writeHead(status, headers as string[]);
    return;
  }
  const replaced = new Set<string>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const value = headers[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (lower === "vary" || lower === "set-cookie" || replaced.has(lower)) response.appendHeader(name, value);
    else response.setHeader(name, value);
    replaced.add(lower);
  }
  response.writeHead(status);
}

function has(headers: readonly string[], lowerName: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === lowerName) return true;
  }
  return false;
}

/** Sends an answer of our own, unless another one is under way: then the connection is cut, which the client sees. */
export function sendAnswer(response: ServerResponse, answer: OwnAnswer, extra: readonly string[] = []): void {
  if (response.headersSent || response.writableEnded) {
    if (!response.writableEnded) destroyResponse(response);
    return;
  }
  const isHead = (response as Written).req.method === "HEAD";
  writeHead(response, answer.status, [...answer.headers, ...extra]);
  response.end(isHead ? undefined : answer.body);
}
