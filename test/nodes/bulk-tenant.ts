import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { switching } from "../support/raw-handshake.ts";

/** A tenant that knows how to sign in, and moves as many bytes as it is asked to. */
export interface BulkTenant {
  readonly origin: string;
  /** SHA-256 of each upload, in the order in which they were through. */
  readonly uploads: readonly string[];
  /** Bytes of answers and of sockets that it could hand over so far: what a browser does not read stays behind. */
  bodyBytes(): number;
  socketBytes(): number;
  /** Open sockets. */
  sockets(): number;
  /** Open connections, whatever for. */
  connections(): number;
  close(): Promise<void>;
}

const piece = Buffer.alloc(64 * 1024, "0123456789abcdef");

/** `size` bytes, no faster than they are taken. */
export function bulkOf(size: number): Readable {
  let left = size;
  return new Readable({
    read() {
      const next = piece.subarray(0, Math.min(left, piece.length));
      left -= next.length;
      this.push(next.length === 0 ? null : next);
    },
  });
}

/** The cookies of a login, as browsers get them. facts §2.2 */
const cookies = ["eas.sid=bulk; Path=/; HttpOnly", "_csrfToken=bulk; Path=/; HttpOnly"];

interface Counts {
  readonly uploads: string[];
  bodyBytes: number;
  socketBytes: number;
  sockets: number;
}

function answer(request: IncomingMessage, response: ServerResponse, counts: Counts): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://tenant.localhost");
  if (pathname === "/login/jwt-session") {
    response.writeHead(200, { "set-cookie": cookies, "content-type": "application/json" }).end("{}");
  } else if (pathname === "/api/v1/csrf-token") {
    response.writeHead(204, { "qlik-csrf-token": "bulk" }).end();
  } else if (request.method === "POST") {
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => {
      counts.uploads.push(hash.digest("hex"));
      response.writeHead(204).end();
    });
  } else {
    const size = Number(searchParams.get("size") ?? 2);
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size });
    const body = bulkOf(size);
    body.on("data", (chunk: Buffer) => (counts.bodyBytes += chunk.length));
    pipeline(body, response).catch(() => {});
  }
}

/** Writes binary messages without an end, as fast as they are taken. RFC 6455 §5.2 */
function flood(socket: Socket, wrote: (size: number) => void): void {
  const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
  const message = Buffer.concat([head, piece]);
  const write = (): void => {
    while (!socket.destroyed) {
      wrote(message.length);
      if (!socket.write(message)) break;
    }
  };
  socket.on("drain", write);
  write();
}

/** Starts it. A socket whose path ends in `flood` is flooded; one that ends in `deaf` is never read. */
export async function startBulkTenant(): Promise<BulkTenant> {
  const counts: Counts = { uploads: [], bodyBytes: 0, socketBytes: 0, sockets: 0 };
  const open = new Set<Socket>();
  const server = createServer((request, response) => answer(request, response, counts));
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.on("upgrade", (request, stream) => {
    const socket = stream as Socket;
    counts.sockets += 1;
    socket.on("error", () => {});
    socket.on("close", () => (counts.sockets -= 1));
    socket.write(switching());
    const path = request.url?.split("?", 1)[0] ?? "";
    if (path.endsWith("flood")) flood(socket, (size) => (counts.socketBytes += size));
    else socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://tenant.localhost:${(server.address() as AddressInfo).port}`,
    uploads: counts.uploads,
    bodyBytes: () => counts.bodyBytes,
    socketBytes: () => counts.socketBytes,
    sockets: () => counts.sockets,
    connections: () => open.size,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
