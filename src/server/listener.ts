import cluster from "node:cluster";
import { once } from "node:events";
import { lstat, unlink } from "node:fs/promises";
import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { revealed, type Secret } from "../kernel/secret.ts";
import { formatListenAddress, type ListenAddress } from "./config/listen-address.ts";
import { bothProtocols, joinHttp2 } from "./http2-sessions.ts";
import { keepPatience, type Patience, standingPatience } from "./patience.ts";
import { refuseConnection } from "./refuse-connection.ts";

/** An HTTP server, with or without TLS. */
export type AnyServer = Server | SecureServer;

/** What a listener proves itself with. */
interface Certificate {
  readonly cert: string;
  readonly key: string | Secret;
}

/** Bytes of a head. attacks H6 */
const maxHeaderSize = 64 * 1024;

/** How exactly the limits of the head and of an idle connection are kept, at most. Milliseconds. */
const checkEvery = 1000;

/**
 * What node keeps of the limits by itself.
 *
 * A whole request has no limit of its own, or long uploads would be cut; their bodies are watched by the proxy.
 */
const optionsFor = ({ head, keepAlive }: Patience): ServerOptions => ({
  // A request without a host is refused by the site guard, in the shape of our errors.
  requireHostHeader: false,
  headersTimeout: head,
  requestTimeout: 0,
  keepAliveTimeout: keepAlive,
  connectionsCheckingInterval: Math.min(checkEvery, head),
  maxHeaderSize,
});

/** How a listener differs from the usual one. */
export interface ListenerOptions extends Partial<Patience> {
  /** Whether it speaks HTTP/2 too, where it has a certificate; false by default. */
  readonly http2?: boolean;
}

/** Creates a server that is not listening yet. */
export function createListener(
  tls: Certificate | undefined,
  { http2 = false, ...given }: ListenerOptions = {},
): AnyServer {
  const patience = { ...standingPatience, ...given };
  const server =
    tls === undefined ? createServer(optionsFor(patience)) : createSecureListener(tls, patience, http2);
  // Node would drop the headers beyond its count silently, an Origin among them; the size limit holds anyway.
  server.maxHeadersCount = 0;
  refuseConnection(server);
  keepPatience(server, patience);
  // An expectation that node does not know is the request's own affair; node would answer 417 without a word of ours.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  return server;
}

function createSecureListener({ cert, key }: Certificate, patience: Patience, http2: boolean): SecureServer {
  const options = {
    ...optionsFor(patience),
    cert,
    key: revealed(key),
    minVersion: "TLSv1.2",
    handshakeTimeout: patience.handshake,
    ...(http2 ? { ALPNProtocols: [...bothProtocols] } : {}),
  } as const;
  // node keeps the text of the key on the server, which every connection leads to; it is read already.
  const server = Object.assign(createSecureServer(options), { key: undefined });
  if (http2) joinHttp2(server, patience);
  return server;
}

/** Lets a server prove itself with another certificate; connections that are open go on with theirs. */
export function replaceCertificate(server: AnyServer, { cert, key }: Certificate): void {
  if (!("setSecureContext" in server)) return;
  server.setSecureContext({ cert, key: revealed(key), minVersion: "TLSv1.2" });
  Object.assign(server, { key: undefined });
}

/** Thrown when a listener cannot listen; its message is for the operator. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Starts to listen; the port is what the machine gave when 0 was asked for. @throws ListenError */
export async function listen(server: AnyServer, address: ListenAddress): Promise<ListenAddress> {
  // Workers have their sockets from the primary, which has looked already.
  if (cluster.isPrimary) await removeDeadSocket(address);
  const where = "path" in address ? { path: address.path } : { host: address.host, port: address.port };
  try {
    server.listen(where);
    await once(server, "listening");
  } catch (cause) {
    const problem = listenProblem(cause) ?? `cannot listen on ${formatListenAddress(address)}`;
    throw new ListenError(problem, { cause });
  }
  if ("path" in address) return address;
  return { host: address.host, port: (server.address() as AddressInfo).port };
}

/** Takes away the unix socket that a process which was killed has left behind; one that somebody listens on stays. */
export async function removeDeadSocket(address: ListenAddress): Promise<void> {
  if (!("path" in address)) return;
  const { path } = address;
  const isSocket = await lstat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
  if (isSocket && (await isDead(path))) await unlink(path).catch(() => {});
}

async function isDead(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  } finally {
    socket.destroy();
  }
}

/** Says in words why a server cannot listen; null for any other error. */
export function listenProblem(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { code, address, port, hostname } = error as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
    readonly hostname?: string;
  };
  const where = address === undefined ? String(hostname) : formatPlace(address, port);
  if (code === "EADDRINUSE") return `${where} is already in use: stop the other program, or listen elsewhere`;
  if (code === "EACCES") return `${where} may not be listened on by this user: take a port above 1023`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `${where} is not an address of this machine`;
  return null;
}

const formatPlace = (address: string, port: number | undefined): string =>
  formatListenAddress(port === undefined || port < 0 ? { path: address } : { host: address, port });
