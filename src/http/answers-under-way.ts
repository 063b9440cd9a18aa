import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Tells whether an answer is under way on a connection: what is written to it now would be read as part of that one. */
export type HasAnswerUnderWay = (socket: Socket) => boolean;

const watched = new WeakMap<object, HasAnswerUnderWay>();

/** Follows the answers of a server, from now on. More than one is under way where requests are sent without waiting. */
export function watchAnswers(server: Pick<Server, "on">): HasAnswerUnderWay {
  const known = watched.get(server);
  if (known) return known;
  const answers = new WeakMap<Socket, Set<ServerResponse>>();
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const ofSocket = answers.get(socket) ?? new Set();
    answers.set(socket, ofSocket.add(response));
    response.once("close", () => ofSocket.delete(response));
  });
  const has = (socket: Socket): boolean => {
    for (const response of answers.get(socket) ?? []) if (!isWritten(response)) return true;
    return false;
  };
  watched.set(server, has);
  return has;
}

/** Whether all of it has been handed to the connection, so that what is written next comes after it. */
const isWritten = (response: ServerResponse): boolean =>
  response.writableFinished || (response.writableEnded && response.socket !== null);
