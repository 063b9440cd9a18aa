import { OutgoingMessage } from "node:http";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

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

/** Whether a piece is worth it, and all that is in its memory. */
export const isReturnable = (piece: Buffer): boolean =>
  piece.length >= smallest && piece.length === piece.buffer.byteLength;

/**
 * Gives the memory of a piece of bytes back, for the next one that is read; does nothing where it is not {@link isReturnable}.
 * To be called by the last who looks at it: other code finds it empty from then on, but what the system or another thread is
 * still given of it would be whatever stands there next. So it must have gone out, and nobody else may have seen it.
 *
 * Left to the collector, tens of megabytes gather first, which the system takes back and hands out anew, page by page.
 * Earned by: bench stream and 1MB
 */
export function returnMemory(piece: Buffer): void {
  if (!isReturnable(piece)) return;
  detach ??= makeDetach();
  detach(piece.buffer as ArrayBuffer);
}

/*
 * How node writes, as it was when this was loaded; sockets and responses have it from these. Whoever wants to see what is
 * written puts something else in its place, on one of them or on all.
 */
const { write: writeOfStreams } = Duplex.prototype;
const { write: writeOfAnswers } = OutgoingMessage.prototype;
const { _write: writeOne, _writev: writeSeveral } = Socket.prototype;

const isOfNode = (stream: unknown): stream is Socket => {
  if (!(stream instanceof Socket)) return false;
  const kind: unknown = Object.getPrototypeOf(stream);
  return kind === Socket.prototype || kind === TLSSocket.prototype;
};

/** Whether what is written to a stream goes out and nowhere else: it is a socket of node's, and written to in node's way. */
export const goesStraightOut = (stream: unknown): boolean =>
  isOfNode(stream) &&
  stream.write === writeOfStreams &&
  stream._write === writeOne &&
  stream._writev === writeSeveral;

/** The same of a response, by its connection; false as long as it has none. */
export const isAnsweredStraight = ({ write, socket }: OutgoingMessage): boolean =>
  write === writeOfAnswers && goesStraightOut(socket);

/** Whether one listener alone hears what comes from a stream: it is a socket of node's, and nobody else reads it. */
export const isHeardOnce = (stream: unknown): boolean =>
  isOfNode(stream) && stream.listenerCount("data") === 1 && stream.listenerCount("readable") === 0;
