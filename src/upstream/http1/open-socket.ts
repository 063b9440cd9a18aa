import * as net from "node:net";
import * as tls from "node:tls";
import { lookupWithLoopback } from "../loopback-lookup.ts";
import type { Trust } from "../trust.ts";
import { Countdown } from "../../kernel/countdown.ts";
import { WireError } from "./wire-error.ts";

/** Hears what became of an attempt to connect; exactly one is called, unless the attempt is given up. */
export interface OpeningWatch {
  /** Has to listen to errors from then on. */
  opened(socket: net.Socket): void;
  failed(error: Error): void;
}

/** Opens a connection; the returned function gives it up. */
export type OpenSocket = (watch: OpeningWatch) => () => void;

/** Milliseconds. */
export interface OpeningWaits {
  /** For the whole of it, TLS included. */
  readonly connect: number;
  /** Silence after which the kernel asks whether the tenant is still there. */
  readonly probe: number;
}

/** Prepares connections to an origin. */
export function socketOpener(origin: string, trust: Trust, { connect, probe }: OpeningWaits): OpenSocket {
  const start = origin.startsWith("https:") ? secureStarter(origin, trust) : plainStarter(origin);
  return ({ opened, failed }) => {
    const { socket, ready } = start();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, probe);
    const countdown = new Countdown();
    countdown.start(connect, () => {
      end(new WireError("HTTP1_CONNECT_TIMEOUT", "the connection took too long"));
    });
    let isOver = false;
    const end = (error: Error | null): void => {
      if (isOver) return;
      isOver = true;
      countdown.close();
      socket.destroy();
      if (error !== null) failed(error);
    };
    // These stay until others listen: an error that nobody listens to would end the process.
    socket.on("error", end);
    const closed = (): void => end(new WireError("HTTP1_CLOSED", "the connection was closed at once"));
    socket.on("close", closed);
    socket.once(ready, () => {
      if (isOver) return;
      isOver = true;
      countdown.close();
      opened(socket);
      // A connection may be idle for hours with what listens to it. Earned by: bench idle-sockets
      socket.off("error", end);
      socket.off("close", closed);
    });
    return () => end(null);
  };
}

interface Start {
  readonly socket: net.Socket;
  /** The event that says that it can be used. */
  readonly ready: "connect" | "secureConnect";
}

function plainStarter(origin: string): () => Start {
  const address = addressOf(origin, 80);
  return () => ({
    socket: net.connect({ ...address, lookup: lookupWithLoopback }),
    ready: "connect",
  });
}

function secureStarter(origin: string, trust: Trust): () => Start {
  const { host, port } = addressOf(origin, 443);
  // An address is no server name. @see RFC 6066 §3
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  let session: Buffer | undefined;
  return () => {
    const socket = tls.connect({
      ...trust,
      ...name,
      ...(session === undefined ? {} : { session }),
      host,
      port,
      lookup: lookupWithLoopback,
      ALPNProtocols: ["http/1.1"],
    });
    keepSession(socket, (made) => {
      session = made;
    });
    return { socket, ready: "secureConnect" };
  };
}

/**
 * Hands over the sessions of a connection, so that the next one can go on with the latest: all are to the same server. node
 * tells of none before the server is verified. One with which a handshake fails is given up.
 */
function keepSession(socket: tls.TLSSocket, keep: (session: Buffer | undefined) => void): void {
  const forget = (): void => keep(undefined);
  socket.on("session", keep);
  socket.once("error", forget);
  socket.once("secureConnect", () => socket.off("error", forget));
}

function addressOf(origin: string, usualPort: number): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(origin);
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? usualPort : Number(port),
  };
}
