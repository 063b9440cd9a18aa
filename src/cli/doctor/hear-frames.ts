import type { Socket } from "node:net";
import { createFrameReader, type Frame } from "../../ws/frame-reader.ts";

/** Messages on the sockets of a visit are short; bytes. */
const longestFrame = 256 * 1024;

/** Hears what comes on a socket. */
export interface FrameListener {
  frames(frames: readonly Frame[]): void;
  /** What came is no frame, and nothing after it can be one. */
  malformed(problem: string): void;
}

/** Listens on a socket that was opened, and to the bytes that came with its opening. */
export function hearFrames(
  { socket, head }: { readonly socket: Socket; readonly head: Buffer },
  listener: FrameListener,
): void {
  const reader = createFrameReader(longestFrame);
  const take = (chunk: Buffer): void => {
    let frames: readonly Frame[];
    try {
      frames = reader.read(chunk);
    } catch (error) {
      socket.off("data", take);
      return listener.malformed((error as Error).message);
    }
    listener.frames(frames);
  };
  socket.on("error", () => {});
  socket.on("data", take);
  take(head);
  socket.resume();
}
