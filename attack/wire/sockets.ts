import { createHash, randomBytes } from "node:crypto";
import { valueOf } from "./headers.ts";
import type { Exchange } from "./upstream-connection.ts";

/** RFC 6455 §1.3. */
const salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const acceptFor = (key: string): string =>
  createHash("sha1")
    .update(key + salt)
    .digest("base64");

/** The header lines of a sound handshake, without `Origin`. */
export const handshakeLines = (): string[] => [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
];

/** The upstream's 101 to a handshake; `lines` are added, `accept` takes the place of the right one. */
export function switching(
  { request }: Pick<Exchange, "request">,
  { lines = [], accept }: { readonly lines?: readonly string[]; readonly accept?: string } = {},
): string {
  const key = valueOf(request.headers, "sec-websocket-key") ?? "";
  const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  return `${[...head, `Sec-WebSocket-Accept: ${accept ?? acceptFor(key)}`, ...lines].join("\r\n")}\r\n\r\n`;
}

/** Says yes to a handshake, with bytes glued to the answer. */
export function accept(exchange: Exchange, glued: string = ""): void {
  exchange.tunnel();
  exchange.write(switching(exchange) + glued);
}

/** A text frame as a server sends it; at most 125 characters. */
export const serverFrame = (text: string): string => `\x81${String.fromCharCode(text.length)}${text}`;

/** A text frame as a client sends it, masked with zeros, so that its text can be seen in the bytes. */
export const clientFrame = (text: string): string =>
  `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;

/** The texts of the whole frames in some bytes, masked or not; stops at what is no frame of 125 bytes or less. */
export function messagesIn(bytes: string): string[] {
  const found: string[] = [];
  for (let at = 0; at + 1 < bytes.length;) {
    const second = bytes.charCodeAt(at + 1);
    const isMasked = second >= 0x80;
    const length = second & 0x7f;
    const start = at + (isMasked ? 6 : 2);
    if (length > 125 || bytes.length < start + length) return found;
    const mask = (index: number): number => (isMasked ? bytes.charCodeAt(at + 2 + (index % 4)) : 0);
    let text = "";
    for (let index = 0; index < length; index += 1) {
      text += String.fromCharCode(bytes.charCodeAt(start + index) ^ mask(index));
    }
    found.push(text);
    at = start + length;
  }
  return found;
}
