import { readHeaderName } from "../../http/header-name.ts";
import { isHeaderName, isHeaderValue } from "../../http/raw-headers.ts";
import type { UpstreamRequest } from "../listener.ts";
import { WireError } from "./wire-error.ts";

/** Headers about the connection and the framing: they are ours to write. `Expect` is asked for by nobody here. */
const ours: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "proxy-connection",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);

const oursOfHandshakes: ReadonlySet<string> = new Set(
  [...ours].filter((name) => name !== "connection" && name !== "upgrade"),
);

/** Methods of which everybody expects a body, and so a length even where there is none. @see RFC 9110 §8.6 */
const withPayload: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** Path and query: no space, no control, nothing beyond ASCII, and no fragment. @see RFC 9112 §3.2.1 */
const originForm = /^\/[\x21\x22\x24-\x7e]*$/;

/** A request that is ready to be written. */
export interface WrittenHead {
  /** Everything before the framing, one character a byte. */
  readonly text: string;
  /** Whether another request may follow on the connection. */
  readonly keepsConnection: boolean;
}

/**
 * Writes the head of a request, up to its framing. All of it is checked once more: whatever went wrong before, nothing
 * leaves here that a tenant could read as two requests, or as another one. attacks H5, M1
 *
 * @throws WireError
 */
export function writeHead(host: string, request: UpstreamRequest): WrittenHead {
  const { method, path, headers, body } = request;
  if (!isLength(request.contentLength)) throw odd("the length of the body is none");
  const keepsConnection = mayBeFollowed(method, body !== null);
  const connection = `connection: ${keepsConnection ? "keep-alive" : "close"}\r\n`;
  return { text: writeStart(host, method, path) + connection + writeFields(headers, ours), keepsConnection };
}

/** The head of a handshake, whole: its connection is the caller's to name, everything else of {@link ours} is not. @throws WireError */
export const writeHandshake = (host: string, path: string, headers: readonly string[]): string =>
  `${writeStart(host, "GET", path)}${writeFields(headers, oursOfHandshakes)}\r\n`;

function writeStart(host: string, method: string, path: string): string {
  if (!isHeaderName(method) || method === "CONNECT") throw odd("the method is none");
  if (!originForm.test(path)) throw odd("the target is no path");
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
}

/** Names and values in turn, as lines. */
function writeFields(headers: readonly string[], reserved: ReadonlySet<string>): string {
  if (headers.length % 2 !== 0) throw odd("a header has no value");
  let text = "";
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const { lower, isToken } = readHeaderName(name);
    if (!isToken || !isHeaderValue(value)) throw odd("a header cannot be written");
    if (reserved.has(lower)) throw odd("a header of the connection is not the caller's");
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

const isLength = (length: number | undefined): boolean =>
  length === undefined || (Number.isSafeInteger(length) && length >= 0);

/** The line that says where the body ends, and the empty line; `length` is undefined for chunks. */
export function writeFraming(length: number | undefined): string {
  return length === undefined ? "transfer-encoding: chunked\r\n\r\n" : `content-length: ${length}\r\n\r\n`;
}

/** What stands in their place where there is no body. */
export const writeNoBody = (method: string): string => (withPayload.has(method) ? writeFraming(0) : "\r\n");

/**
 * Whether a connection is of use after a request: a server that sends a body with the answer to HEAD, or does not read the
 * body of a GET, would take part of one exchange for the next. attacks M1
 */
const mayBeFollowed = (method: string, hasBody: boolean): boolean =>
  method !== "HEAD" && (!hasBody || withPayload.has(method));

const odd = (what: string): WireError => new WireError("HTTP1_REQUEST", what);
