import { subscribe } from "node:diagnostics_channel";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The answers of each connection that are not through: more than one where requests are sent without waiting. */
const answers = new WeakMap<Socket, Set<ServerResponse>>();

let isFollowing = false;

/**
 * Follows the answers of every server of the process, from now on. The "request" event would not do: node emits another
 * one for a request that expects something, where the host listens to that.
 */
export function followAnswers(): void {
  if (isFollowing) return;
  isFollowing = true;
  subscribe("http.server.request.start", (message) => {
    const { socket, response } = message as { readonly socket: Socket; readonly response: ServerResponse };
    const ofSocket = answers.get(socket) ?? new Set();
    answers.set(socket, ofSocket.add(response));
    response.once("close", () => ofSocket.delete(response));
  });
}

/** Whether an answer is under way on a connection: what is written to it now could be read as part of that one. */
export function hasAnswerUnderWay(socket: Socket): boolean {
  for (const response of answers.get(socket) ?? []) if (!response.writableFinished) return true;
  return false;
}

/** Resolves when no answer is under way on a connection any more, or after so many milliseconds; true where none is. */
export async function untilAnswered(socket: Socket, ms: number): Promise<boolean> {
  const pending = [...(answers.get(socket) ?? [])].filter(({ writableFinished }) => !writableFinished);
  if (pending.length === 0) return true;
  await new Promise<void>((resolve) => {
    let left = pending.length;
    const timer = setTimeout(resolve, ms);
    const one = (): void => {
      left -= 1;
      if (left > 0) return;
      clearTimeout(timer);
      resolve();
    };
    for (const response of pending) response.once("close", one);
  });
  return !hasAnswerUnderWay(socket);
}
