import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { formatListenAddress, type ListenAddress } from "./config/listen-address.ts";
import { refuseConnection } from "./refuse-connection.ts";

/** An HTTP server, with or without TLS. */
export type AnyServer = Server | SecureServer;

/**
 * How long a connection, and how much of it, is worth waiting for.
 *
 * A whole request has no limit of its own, or long uploads would be cut; their bodies are watched by the proxy.
 */
const limits: ServerOptions = {
  /** Milliseconds for the head of a request: slow heads hold a connection for nothing. attacks B2 */
  headersTimeout: 20_000,
  requestTimeout: 0,
  /** Milliseconds; longer than a front door's, so that it never sends into a connection that we close. rules R11 */
  keepAliveTimeout: 75_000,
  /** Milliseconds; how exactly the limits above are kept. */
  connectionsCheckingInterval: 1000,
  /** Bytes. attacks H6 */
  maxHeaderSize: 64 * 1024,
};

/** Milliseconds for a TLS handshake. */
const handshakeTimeout = 10_000;

/** Creates a server that is not listening yet. */
export function createListener(tls: { readonly cert: string; readonly key: string } | undefined): AnyServer {
  const server =
    tls === undefined
      ? createServer(limits)
      : createSecureServer({ ...limits, ...tls, minVersion: "TLSv1.2", handshakeTimeout });
  // Node would drop the headers beyond its count silently, an Origin among them; the size limit holds anyway.
  server.maxHeadersCount = 0;
  refuseConnection(server);
  return server;
}

/** Thrown when a listener cannot listen; its message is for the operator. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Starts to listen; the port is what the machine gave when 0 was asked for. @throws ListenError */
export async function listen(server: AnyServer, address: ListenAddress): Promise<ListenAddress> {
  const where = "path" in address ? { path: address.path } : { host: address.host, port: address.port };
  try {
    server.listen(where);
    await once(server, "listening");
  } catch (cause) {
    throw new ListenError(reasonFor(cause, formatListenAddress(address)), { cause });
  }
  if ("path" in address) return address;
  return { host: address.host, port: (server.address() as AddressInfo).port };
}

function reasonFor(cause: unknown, address: string): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  if (code === "EADDRINUSE")
    return `${address} is already in use: stop the other program, or listen elsewhere`;
  if (code === "EACCES") return `${address} may not be listened on by this user: take a port above 1023`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `${address} is not an address of this machine`;
  return `cannot listen on ${address} (${code})`;
}
