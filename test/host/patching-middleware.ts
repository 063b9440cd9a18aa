import type { ServerResponse } from "node:http";
import { createGzip, type Gzip } from "node:zlib";
import type { Middleware } from "../../src/index.ts";

/** Renews the host's own cookie with every answer, at the last moment, as session middlewares do. */
export const rollingCookie: Middleware = (_request, response, next) => {
  const { writeHead } = response;
  response.writeHead = ((...head: Parameters<typeof writeHead>) => {
    response.appendHeader("Set-Cookie", "host.sid=rolled; Path=/; HttpOnly");
    response.appendHeader("Set-Cookie", "host.seen=1; Path=/");
    return writeHead.apply(response, head);
  }) as typeof writeHead;
  next();
};

/** Compresses text that is not compressed yet, as compression middlewares do: head, body and back-pressure patched. */
export const compressing: Middleware = (request, response, next) => {
  const { writeHead, write, end } = response;
  const on = response.on.bind(response) as (type: string, listener: () => void) => ServerResponse;
  const waiting: (() => void)[] = [];
  let gzip: Gzip | null = null;

  const begin = (): void => {
    const type = String(response.getHeader("content-type") ?? "");
    const isText = /^(?:text\/(?!event-stream)|application\/json)/.test(type);
    const isWhole = response.statusCode === 200 && !response.hasHeader("content-encoding");
    if (!isText || !isWhole || request.method === "HEAD") {
      for (const listener of waiting) on("drain", listener);
      return;
    }
    const zip = createGzip();
    gzip = zip;
    response.removeHeader("content-length");
    response.setHeader("content-encoding", "gzip");
    response.appendHeader("vary", "accept-encoding");
    zip.on("data", (chunk: Buffer) => {
      if (!write.call(response, chunk, "utf8")) zip.pause();
    });
    zip.on("end", () => end.call(response, undefined, "utf8"));
    on("drain", () => zip.resume());
    for (const listener of waiting) zip.on("drain", listener);
  };

  response.writeHead = ((...head: Parameters<typeof writeHead>) => {
    response.statusCode = head[0];
    begin();
    return writeHead.apply(response, head);
  }) as typeof writeHead;
  response.write = ((chunk: Buffer) => {
    if (!response.headersSent) response.writeHead(response.statusCode);
    return gzip ? gzip.write(chunk) : write.call(response, chunk, "utf8");
  }) as typeof write;
  response.end = ((chunk?: Buffer) => {
    if (!response.headersSent) response.writeHead(response.statusCode);
    if (!gzip) return end.call(response, chunk, "utf8");
    gzip.end(chunk);
    return response;
  }) as typeof end;
  response.on = ((type: string, listener: () => void) => {
    if (type !== "drain") return on(type, listener);
    if (gzip) gzip.on("drain", listener);
    else waiting.push(listener);
    return response;
  }) as typeof response.on;
  next();
};
