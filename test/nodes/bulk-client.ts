import { createHash } from "node:crypto";
import * as http from "node:http";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { handshake } from "../support/raw-handshake.ts";
import { servedHeaders, servedHost, type ServedProxy } from "../support/served-proxy.ts";
import { bulkOf } from "./bulk-tenant.ts";

/** Who asks a served proxy for what; each request has a connection of its own. */
export interface BulkClient {
  /** A request that has not been sent yet. */
  begin(user: string, method: string, path: string, headers?: Record<string, string>): http.ClientRequest;
  /** SHA-256 of what came. */
  download(user: string, size: number): Promise<string>;
  /** Status of the answer. */
  upload(user: string, size: number): Promise<number>;
  /** A handshake below `/app` on a connection that is not read. */
  openDeaf(user: string, name: string): Socket;
}

export const answerOf = (request: http.ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request.on("response", resolve).on("error", reject));

export async function hashOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

export function createBulkClient({ url }: Pick<ServedProxy, "url">): BulkClient {
  const { hostname, port } = new URL(url);
  const begin: BulkClient["begin"] = (user, method, path, headers = {}) =>
    http.request({
      hostname,
      port,
      method,
      path: `/qlik${path}`,
      agent: false,
      headers: { ...servedHeaders(user), ...headers },
    });
  return {
    begin,
    async download(user, size) {
      const request = begin(user, "GET", `/api/v1/items?size=${size}`);
      request.end();
      return hashOf(await answerOf(request));
    },
    async upload(user, size) {
      const request = begin(user, "POST", "/api/v1/echo/bulk", { "content-length": String(size) });
      const answered = answerOf(request);
      await pipeline(bulkOf(size), request);
      const answer = await answered;
      answer.resume();
      return answer.statusCode ?? 0;
    },
    openDeaf(user, name) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.pause();
      socket.write(
        handshake(`https://${servedHost}`, {
          target: `/qlik/app/${name}`,
          headers: servedHeaders(user),
        }),
      );
      return socket;
    },
  };
}
