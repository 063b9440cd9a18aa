import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { SessionProxyError } from "../../errors.ts";
import { DetachedResponse } from "./detached-response.ts";
import { writeHead } from "./host-response.ts";

/**
 * A response in the form of HTTP/1.1, whose content goes out over HTTP/2; `isDraining` is asked when it has gone out. One that
 * is detached is brought by the framework that has made it.
 */
export function overHttp2(
  request: IncomingMessage,
  answer: ServerResponse,
  isDraining: () => boolean,
): ServerResponse {
  if (answer instanceof DetachedResponse) return answer;
  const response = new DetachedResponse(request);
  bring(response, answer as unknown as Http2ServerResponse, isDraining).catch(() => response.destroy());
  return response.asServerResponse;
}

/** Connections are not a request's affair any more; a front door that goes down to HTTP/1.1 could take them for its own. RFC 9113 §8.2.2 */
const ofConnections = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/**
 * Writes the fields of HTTP/2 into those of HTTP/1.1, for the proxy and for whoever it asks: in place, since the object is node's
 * for compatibility, which the host has seen already. Returns why it is no request that could have come over HTTP/1.1.
 * RFC 9113 §8.3.1
 */
export function toHttp1Head(message: IncomingMessage): SessionProxyError | null {
  const request = message as unknown as Http2ServerRequest;
  const { rawHeaders, stream } = request;
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const cookies: string[] = [];
  const seen = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    if (name.startsWith(":")) pseudo.set(name, value);
    // It may come in crumbs, which are one field for everybody behind us. RFC 9113 §8.2.3
    else if (name === "cookie") cookies.push(value);
    else fields.push(name, value);
    seen.add(name);
  }
  if (cookies.length > 0) fields.push("cookie", cookies.join("; "));
  const authority = pseudo.get(":authority");
  if (authority !== undefined && !seen.has("host")) fields.unshift("host", authority);
  // Without a length the end of the stream is the end of the body.
  if (!stream.endAfterHeaders && !seen.has("content-length")) fields.push("transfer-encoding", "chunked");
  rawHeaders.splice(0, rawHeaders.length, ...fields);
  if (authority !== undefined) request.headers.host ??= authority;
  if ([...ofConnections].some((name) => seen.has(name)))
    return odd("a header of connections, which HTTP/2 has not");
  if (authority !== undefined && request.headers.host !== authority)
    return odd("two hosts: :authority and host differ");
  return null;
}

const odd = (reason: string): SessionProxyError => new SessionProxyError("QSP-TARGET", { reason });

/** Sends what the proxy writes, no faster than the client takes it; cut off it is an error, never an end. */
async function bring(
  response: DetachedResponse,
  answer: Http2ServerResponse,
  isDraining: () => boolean,
): Promise<void> {
  const { stream } = answer;
  stream.once("close", () => void response.destroy());
  if (stream.destroyed) response.destroy();
  const head = await response.head;
  if (head === null) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  stream.once("finish", () => {
    // The rest of a body is not read any more. RFC 9113 §8.1
    if (!stream.endAfterHeaders && !response.req.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    // Says GOAWAY; what is under way goes on. rules R11
    if (isDraining()) stream.session?.close();
  });
  try {
    writeHead(answer as unknown as ServerResponse, head.status, head.headers);
  } catch {
    return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
  if (DetachedResponse.isBodiless(response.req.method, head.status)) response.resume();
  else response.on("data", (chunk: Buffer) => void (answer.write(chunk) || response.pause()));
  answer.on("drain", () => void response.resume());
  response.on("end", () => void answer.end());
  response.on("close", () => {
    if (!response.readableEnded) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
}
