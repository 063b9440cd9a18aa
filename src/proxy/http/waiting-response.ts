import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Responses behind another one of their connection, until their turn comes. */
const waiting = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Has a response hear of the end of its connection also while it waits behind an earlier one: node binds it to the
 * connection, and emits "close", only from its turn on. Without this nobody would take its request back at the tenant.
 */
export function followConnection(
  { socket }: { readonly socket?: Socket | null },
  response: ServerResponse,
): void {
  if (response.socket !== null || !socket) return;
  const others = waiting.get(socket);
  const responses = others ?? new Set();
  responses.add(response);
  response.once("socket", () => responses.delete(response));
  if (others) return;
  waiting.set(socket, responses);
  socket.once("close", () => {
    for (const each of responses) destroyResponse(each);
  });
}

/** Destroys a response; one that waits for its turn is told of it now, and its connection ends when the turn comes. */
export function destroyResponse(response: ServerResponse): void {
  const isWaiting = response.socket === null && !response.destroyed && !response.writableFinished;
  if (!isWaiting) return void response.destroy();
  let isTold = false;
  response.once("close", () => {
    isTold = true;
  });
  response.destroy();
  // Node 20 and 22 do so by themselves, Node 24 leaves the connection waiting for the answer for ever.
  response.once("socket", (socket: Socket) => socket.destroy());
  process.nextTick(() => {
    // Node 24 has told them by now.
    if (!isTold) response.emit("close");
    // Everybody has been told; older ones would tell them again when the turn comes.
    response.removeAllListeners("close");
  });
}
