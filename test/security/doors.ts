import { createHash } from "node:crypto";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { answerOk, type RawHandler, type SeenRequest } from "../support/raw-upstream.ts";
import type { Stack } from "../support/stack.ts";

export { forwarded } from "../support/raw-upstream.ts";

/** The two ways in: what is refused as a request must be refused as an upgrade, and the other way round. */
export type Door = "request" | "upgrade";
export const doors: readonly Door[] = ["request", "upgrade"];

/** A policy that shuts nothing, so that nothing but the target is left to refuse it. */
export const everything = { allow: ["/**", "UPGRADE /**"] } as const;

/** An answer as it stands on the wire. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** What differs from a request that a page of ours would make. */
export interface Knock {
  readonly method?: string;
  /** Header lines, after those that every request has. */
  readonly headers?: readonly string[];
  /** What follows the head, in the same packet. */
  readonly behind?: string;
}

/** The key of RFC 6455 §1.3, and what its answers are salted with. */
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const upgradeLines = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${key}`,
];

/** The bytes of a request or an upgrade; every character of the target is one byte. */
export function bytesOf(stack: Stack, door: Door, target: string, knock: Knock = {}): Buffer {
  const { method = "GET", headers = [], behind = "" } = knock;
  const own = door === "upgrade" ? [`Origin: ${stack.origin}`, ...upgradeLines] : [];
  const head = requestHead(stack.origin, `${method} ${target} HTTP/1.1`, [...own, ...headers]);
  return Buffer.from(head + behind, "latin1");
}

/** Sends a target as it is to one of the doors, and waits for the answer. */
export function knockAt(stack: Stack, door: Door, target: string, knock: Knock = {}): Promise<Answer> {
  return answerTo(stack, bytesOf(stack, door, target, knock));
}

/** Sends the bytes of one request, and waits for the answer. */
export async function answerTo(stack: Stack, bytes: Buffer): Promise<Answer> {
  const connection = await connectTo(stack.origin);
  connection.write(bytes);
  const isHead = bytes.subarray(0, 5).toString() === "HEAD ";
  const text = await connection.until((received) => isWhole(received, isHead));
  // An open socket that is cut off would be closed in due form, which takes its time.
  if (text.startsWith("HTTP/1.1 101 ")) {
    connection.socket.end();
    await connection.closed;
  }
  connection.socket.destroy();
  const at = text.indexOf("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0),
    head: at === -1 ? text : text.slice(0, at),
    body: at === -1 ? "" : text.slice(at + 4),
  };
}

/** Whether an answer has come to its end, as far as it says where that is. */
function isWhole(text: string, isHead: boolean): boolean {
  const at = text.indexOf("\r\n\r\n");
  if (at === -1 || isHead) return at !== -1;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, at))?.[1];
  if (length !== undefined) return text.length >= at + 4 + Number(length);
  return !/^transfer-encoding:/im.test(text.slice(0, at)) || text.endsWith("\r\n0\r\n\r\n");
}

/** The head of a tenant's answer that lets an upgrade in, without the empty line at its end. */
export function acceptedUpgrade(request: SeenRequest): string {
  const accept = createHash("sha1")
    .update(request.header("sec-websocket-key") + salt)
    .digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  return `${lines.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n`;
}

/** A raw tenant that answers requests and lets every upgrade in. */
export const answerBoth: RawHandler = (request, socket) => {
  if (request.header("upgrade") === undefined) return answerOk(request, socket);
  socket.write(`${acceptedUpgrade(request)}\r\n`);
};

/** The status of a request or an upgrade that has got through. */
export const through = (door: Door): number => (door === "upgrade" ? 101 : 200);

/** The path at the tenant of a request that is ours by this name: engines are reached by upgrades alone. */
export const openPath = (door: Door): string => (door === "upgrade" ? "/app/a" : "/api/v1/echo/a");
