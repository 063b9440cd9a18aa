import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { wire, type WireLogin, type WireRequest } from "./kind-on-the-wire.ts";

/** A login as it reached the tenant. */
export type NamedLogin = WireLogin;

/** A request that reached the tenant. */
export interface NamedCall {
  readonly method: string;
  readonly url: string;
  /** Name of the session whose cookie came with it; "-" where none did. */
  readonly session: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What an upgrade that reached the tenant can be answered with. */
export interface NamedUpgrade {
  readonly session: string;
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** Answers 101 with the key that the handshake asks for. */
  accept(): void;
}

/**
 * A tenant that lets everybody in and names each session after its user: `ann~1`, `ann~2`, `bob~3` in the order of the
 * logins. Every answer says by default whose session it was asked with.
 */
export interface NamedTenant {
  readonly origin: string;
  readonly logins: readonly NamedLogin[];
  /** Requests as `METHOD path session`, logins left out. */
  readonly seen: readonly string[];
  /** Sessions that the tenant does not know any more: it answers them 401. */
  readonly lost: Set<string>;
  /** Open connections. */
  readonly connections: ReadonlySet<Socket>;
  /** Looks at each login before it is answered; false means that it has answered itself. */
  onLogin(handler: (login: NamedLogin, response: ServerResponse) => unknown): void;
  /** Looks at each other request first, also of lost sessions; false means that it takes the answer upon itself. */
  onCall(handler: (call: NamedCall) => unknown): void;
  /** Answers upgrades; they are accepted by default. */
  onUpgrade(handler: (upgrade: NamedUpgrade) => void): void;
  close(): Promise<void>;
}

/** The value of `Sec-WebSocket-Accept` for a request. @see RFC 6455 §4.2.2 */
const acceptOf = (request: IncomingMessage): string =>
  createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");

/** A request as it stands on the wire. */
function wired(request: IncomingMessage): WireRequest {
  const { method = "", url = "", headers } = request;
  const header = (name: string): string | undefined => [headers[name]].flat().join(", ") || undefined;
  const path = wire.within(url, header);
  if (path === undefined) throw new Error(`no request of this kind of tenant: ${url}`);
  return { method, path, body: "", header };
}

/** The same with its body, where it is one of the proxy's own: no other is read here. */
async function read(request: IncomingMessage): Promise<WireRequest> {
  const head = wired(request);
  if (!wire.ownPaths.includes(head.path)) return head;
  let body = "";
  for await (const chunk of request) body += (chunk as Buffer).toString("latin1");
  return { ...head, body };
}

/** Starts a tenant that names its sessions. */
export async function startNamedTenant(): Promise<NamedTenant> {
  const logins: NamedLogin[] = [];
  const seen: string[] = [];
  const lost = new Set<string>();
  const connections = new Set<Socket>();
  let loginHandler: (login: NamedLogin, response: ServerResponse) => unknown = () => true;
  let callHandler: (call: NamedCall) => unknown = () => true;
  let upgradeHandler = (upgrade: NamedUpgrade): void => upgrade.accept();
  let made = 0;

  const logIn = async (login: NamedLogin, response: ServerResponse): Promise<void> => {
    logins.push(login);
    if ((await loginHandler(login, response)) === false) return;
    made += 1;
    const { status, headers, body } = wire.signedIn(`${login.subject}~${made}`, "token");
    response.writeHead(status, [...headers]).end(body);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = await read(request);
    const { method, path: url } = asked;
    const login = wire.login(asked);
    if (login !== null) return logIn(login, response);
    const session = wire.sessionOf(asked) ?? "-";
    seen.push(`${method} ${url} ${session}`);
    if ((await callHandler({ method, url, session, request, response })) === false) return;
    if (url === wire.logoutPath) lost.add(session);
    else if (lost.has(session)) response.statusCode = 401;
    else if (url === wire.tokenPath)
      return void response.writeHead(204, { "qlik-csrf-token": "token" }).end();
    response.setHeader("content-type", "text/plain").end(session);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  server.on("upgrade", (request, stream) => {
    const socket = stream as Socket;
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.resume();
    const accept = (): void => {
      const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
      socket.write(`${[...head, `Sec-WebSocket-Accept: ${acceptOf(request)}`].join("\r\n")}\r\n\r\n`);
    };
    upgradeHandler({ session: wire.sessionOf(wired(request)) ?? "-", request, socket, accept });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://tenant.localhost:${(server.address() as AddressInfo).port}`,
    logins,
    seen,
    lost,
    connections,
    onLogin: (handler) => void (loginHandler = handler),
    onCall: (handler) => void (callHandler = handler),
    onUpgrade: (handler) => void (upgradeHandler = handler),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}
