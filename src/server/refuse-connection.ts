import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";
import { SessionProxyError } from "../errors.ts";
import { followAnswers, hasAnswerUnderWay } from "../http/answers-under-way.ts";
import { errorAnswer, upgradeRefusal } from "../http/own-answer.ts";
import { traceId } from "../kernel/random.ts";

/** Answers bytes that are no request in the shape of our errors, and closes the connection. */
export function refuseConnection(server: Server | SecureServer): void {
  followAnswers();
  server.on("clientError", (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    // Where TLS is not made, nothing can be said. In the middle of an earlier answer, a second one would be read as part of it.
    if (!isOfHttp(error) || !socket.writable || hasAnswerUnderWay(socket)) {
      socket.destroy();
      return;
    }
    socket.end(answerTo(error.code), () => socket.destroy());
  });
}

/** Whether the parser has said it, or node's clock for a head; others come from TLS or from the connection itself. */
const isOfHttp = ({ code = "" }: NodeJS.ErrnoException): boolean => /^(?:HPE_|ERR_HTTP_)/.test(code);

/** The parser knows three ways of being wrong: too slow, too large, and no HTTP. */
function answerTo(code: string | undefined): string {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  }
  const error =
    code === "HPE_HEADER_OVERFLOW"
      ? new SessionProxyError("QSP-TOO-LARGE", { status: 431 })
      : new SessionProxyError("QSP-TARGET");
  return upgradeRefusal(errorAnswer(error, { navigation: false, traceId: traceId() }));
}
