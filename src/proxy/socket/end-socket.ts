import type { Socket } from "node:net";

/** How long the last bytes of a connection may take to go out. Milliseconds. */
const lastBytes = 250;

/** Lets what was written go out and closes; a peer that does not read is cut off, for nothing watches it any more. */
export function endSoon(socket: Socket): void {
  if (!socket.writableEnded) socket.end();
  if (socket.writableLength === 0) {
    // The end itself may still be under way, which `destroySoon` waits for and no reader can hold up.
    socket.destroySoon();
    return;
  }
  socket.once("finish", () => socket.destroy());
  setTimeout(() => socket.destroy(), lastBytes).unref();
}
