import type { Socket } from "node:net";
import { hasAnswerUnderWay, untilAnswered } from "../../http/answers-under-way.ts";

/** A host may end an answer a moment after its last byte, when the next handshake is here already. Milliseconds. */
const patience = 1000;

/**
 * Goes on with a handshake when the answers before it on its connection are through. Whatever were written before would be
 * read as part of them; a client that did not wait for them gets no answer.
 */
export function inTurn(socket: Socket, goOn: () => void, giveUp: () => void): void {
  if (!hasAnswerUnderWay(socket)) return goOn();
  socket.on("error", () => {});
  const decide = (isAnswered: boolean): void => {
    if (socket.destroyed) return;
    if (isAnswered) goOn();
    else giveUp();
  };
  untilAnswered(socket, patience).then(decide).catch(giveUp);
}
