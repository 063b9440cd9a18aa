import {
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerOptions,
} from "node:http2";
import type { Server as SecureServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { Http2Connection } from "./http2-connection.ts";
import { looks, type Patience } from "./patience.ts";

/** Requests of one connection that are under way at once; the least that RFC 9113 §6.5.2 recommends. */
const mostStreams = 100;

/** Bytes of a head, as HTTP/2 counts them; the same as over HTTP/1.1. attacks H6 */
const maxHeaderSize = 64 * 1024;

/** The proxy refuses more than 200 headers in words; a few more have to get as far as that. attacks H6 */
const maxHeaderListPairs = 256;

/**
 * What node and nghttp2 do not keep by themselves. They do keep: streams that are opened only to be reset (nghttp2 1.57, 1000 at
 * once, then 33 a second), CONTINUATION frames (nghttp2 1.61, 8), streams beyond the settings (100, then the connection ends),
 * pings and settings that wait for an answer, 10 MB of memory for a connection (`maxSessionMemory`), the order and names of
 * pseudo-headers and of headers that HTTP/2 has not.
 */
const options: ServerOptions = {
  settings: {
    maxConcurrentStreams: mostStreams,
    maxHeaderListSize: maxHeaderSize,
    enablePush: false,
    // WebSockets stay on HTTP/1.1: RFC 8441 is not offered.
    enableConnectProtocol: false,
  },
  maxHeaderListPairs,
};

/** What the two protocols are called in a TLS handshake, in our order. RFC 7301 */
export const bothProtocols: readonly string[] = ["h2", "http/1.1"];

/**
 * Serves HTTP/2 on the connections of a server that have agreed to it. Those of HTTP/1.1 are as without it; the requests of both
 * are "request" events of the one server.
 */
export function joinHttp2(server: SecureServer, patience: Patience): void {
  const inner = createServer(options);
  const connections = new Set<Http2Connection>();
  const follow = (session: ServerHttp2Session, socket: TLSSocket): void => {
    const connection = new Http2Connection(session, socket);
    connections.add(connection);
    session.once("close", () => connections.delete(connection));
    // A connection that breaks tells its streams; there is nobody else to tell.
    session.on("error", () => {});
    limitIdle(session, patience);
  };
  server.once("listening", () => {
    const cutUnread = (): void => {
      for (const connection of connections) connection.cutUnread(patience.unread);
    };
    const timer = setInterval(cutUnread, patience.unread / looks).unref();
    server.once("close", () => clearInterval(timer));
  });
  inner.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    server.emit("request", request, response);
  });
  const [http1] = server.listeners("secureConnection") as ((socket: TLSSocket) => void)[];
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol !== "h2") {
      http1?.call(server, socket);
      return;
    }
    const onSession = (session: ServerHttp2Session): void => follow(session, socket);
    inner.once("session", onSession);
    inner.emit("connection", socket);
    inner.off("session", onSession);
  });
  const { close, closeAllConnections } = server;
  server.close = (done) => {
    // Says GOAWAY: what is under way goes on.
    for (const { session } of connections) session.close();
    return close.call(server, done);
  };
  server.closeAllConnections = () => {
    for (const connection of connections) connection.destroy();
    closeAllConnections.call(server);
  };
}

/** Ends a connection on which nothing is asked for: at its beginning, and between two requests. attacks B2 */
function limitIdle(session: ServerHttp2Session, { head, keepAlive }: Patience): void {
  let underWay = 0;
  let timer = setTimeout(() => session.destroy(), head).unref();
  session.on("stream", (stream) => {
    underWay += 1;
    clearTimeout(timer);
    stream.once("close", () => {
      underWay -= 1;
      if (underWay > 0 || session.destroyed) return;
      clearTimeout(timer);
      timer = setTimeout(() => session.close(), keepAlive).unref();
    });
  });
  session.once("close", () => clearTimeout(timer));
}
