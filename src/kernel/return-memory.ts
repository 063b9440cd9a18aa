import { Socket } from "node:net";

/** Smaller pieces are many, and cost no more when the collector finds them. Bytes; a full record of TLS is as long. RFC 8446 §5.1 */
const smallest = 16 * 1024;

/** Takes the memory out of a buffer; whoever still holds the buffer finds it empty. */
type Detach = (memory: ArrayBuffer) => void;

/** Node 20 has no `transfer`: what is sent where nobody listens is thrown away, and detached all the same. HTML §9.4.4 */
function detachByPort(): Detach {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return (memory) => port1.postMessage(null, [memory]);
}

const makeDetach = (): Detach =>
  "transfer" in ArrayBuffer.prototype
    ? (memory) => void (memory as ArrayBuffer & { transfer(length: number): ArrayBuffer }).transfer(0)
    : detachByPort();

let detach: Detach | null = null;

/**
 * Gives the memory of a piece of bytes back, for the next one that is read: only where the piece is all that is in it, and is
 * long. To be called by the last who looks at it; anybody else finds it empty from then on, and never other bytes.
 *
 * Left to the collector, tens of megabytes gather first, which the system takes back and hands out anew, page by page.
 * Earned by: bench stream and 1MB
 */
export function returnMemory(piece: Buffer): void {
  if (piece.length < smallest || piece.length !== piece.buffer.byteLength) return;
  detach ??= makeDetach();
  detach(piece.buffer as ArrayBuffer);
}

/**
 * Whether what is written to a stream goes out and nowhere else: it is a socket of node's, written to in node's way. Whatever
 * else stands in its place, for a test or in a function of a cloud, may keep the pieces that it is given.
 */
export const goesStraightOut = (stream: unknown): boolean =>
  stream instanceof Socket && stream.write === Socket.prototype.write;
