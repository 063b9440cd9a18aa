import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import type { Answer, AnswerBody, HeaderLine } from "./answer.ts";

/** Bodies shorter than this are not worth compressing. Bytes. */
const MIN_COMPRESSED = 256;

/** How far a body goes, and what happens then. */
export interface BodyLimit {
  readonly afterBytes: number;
  /** Called when so many bytes were written; the answer is not ended. */
  readonly strike: () => void;
}

/** What is sent beside the handler's answer. */
export interface SendOptions {
  /** The `Date` of the answer: the tenant's clock may differ from the machine's. */
  readonly now: number;
  /** Cookies and CORS. */
  readonly extraHeaders: readonly HeaderLine[];
  readonly compress: boolean;
  readonly limit?: BodyLimit;
}

function isCompressible(headers: readonly HeaderLine[]): boolean {
  const type = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  return /^(text\/(?!event-stream)|application\/(json|javascript)|image\/svg)/.test(type);
}

function acceptsGzip(request: IncomingMessage): boolean {
  return /(^|,)\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+\s*)?(,|$)/i.test(
    String(request.headers["accept-encoding"] ?? ""),
  );
}

function notModified(request: IncomingMessage, etag: string): boolean {
  return request.headers["if-none-match"]?.split(/\s*,\s*/).includes(etag) === true;
}

interface Encoded {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: AnswerBody | undefined;
}

function hasHeader(headers: readonly HeaderLine[], wanted: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === wanted);
}

function encode(request: IncomingMessage, answer: Answer, compress: boolean): Encoded {
  const headers = [...(answer.headers ?? [])];
  const { status, body } = answer;
  if (body === undefined) {
    if (status >= 200 && status !== 204 && status !== 304 && !hasHeader(headers, "content-length"))
      headers.push(["Content-Length", "0"]);
    return { status, headers, body };
  }
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return { status, headers, body };
  let bytes: Uint8Array = typeof body === "string" ? Buffer.from(body) : body;
  const compressible = isCompressible(headers);
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead && status === 200 && compressible && !hasHeader(headers, "etag")) {
    const etag = `W/"${createHash("sha256").update(bytes).digest("base64url").slice(0, 27)}"`;
    headers.push(["ETag", etag]);
    if (notModified(request, etag)) return { status: 304, headers, body: undefined };
  }
  if (compress && compressible) headers.push(["Vary", "Accept-Encoding"]);
  if (compress && compressible && bytes.length >= MIN_COMPRESSED && acceptsGzip(request)) {
    bytes = gzipSync(bytes);
    headers.push(["Content-Encoding", "gzip"]);
  }
  headers.push(["Content-Length", String(bytes.length)]);
  return { status, headers, body: bytes };
}

async function* limited(
  body: AnswerBody,
  limit: BodyLimit,
  ended: Promise<void>,
): AsyncGenerator<Uint8Array> {
  let left = limit.afterBytes;
  const chunks = typeof body === "string" || body instanceof Uint8Array ? [Buffer.from(body)] : body;
  for await (const chunk of chunks) {
    if (left <= 0) break;
    yield chunk.subarray(0, left);
    left -= chunk.length;
  }
  // Lets what was written reach the wire before the fault strikes.
  await new Promise((resolve) => setTimeout(resolve, 20));
  limit.strike();
  await ended;
}

/** Sends an answer; resolves when it is out or the client is gone. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  options: SendOptions,
): Promise<void> {
  const { status, headers, body } = encode(request, answer, options.compress);
  response.sendDate = false;
  const lines: readonly HeaderLine[] = [
    ["Date", new Date(options.now).toUTCString()],
    ...headers,
    ...options.extraHeaders,
  ];
  response.writeHead(status, lines.flat());
  const closed = new Promise<void>((resolve) => {
    response.once("close", resolve);
  });
  try {
    if (options.limit !== undefined) {
      response.flushHeaders();
      await pipeline(Readable.from(limited(body ?? "", options.limit, closed)), response);
    } else if (body === undefined || request.method === "HEAD") {
      response.end();
    } else if (typeof body === "string" || body instanceof Uint8Array) {
      response.end(body);
    } else {
      response.flushHeaders();
      await pipeline(Readable.from(body), response);
    }
  } catch {
    // The client went away, or a fault cut the body: there is nobody left to tell.
    response.destroy();
  }
}
