import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A login as it reached the tenant. */
export interface NamedLogin {
  readonly subject: string;
  readonly groups: readonly string[];
  /** Of the key that signed the assertion. */
  readonly keyId: string;
}

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

const csrfPath = "/api/v1/csrf-token";

/** The value of `Sec-WebSocket-Accept` for a request. @see RFC 6455 §4.2.2 */
const acceptOf = (request: IncomingMessage): string =>
  createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");

const sessionOf = ({ headers }: IncomingMessage): string =>
  /eas\.sid=([^;]+)/.exec(headers.cookie ?? "")?.[1] ?? "-";

/** What the assertion says; nobody checks its signature here. */
function loginOf({ headers }: IncomingMessage): NamedLogin {
  const [header, payload] = (headers.authorization ?? "")
    .replace("Bearer ", "")
    .split(".", 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as unknown);
  const { kid } = header as { readonly kid: string };
  const { sub, groups = [] } = payload as { readonly sub: string; readonly groups?: readonly string[] };
  return { subject: sub, groups, keyId: kid };
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

  const logIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const login = loginOf(request);
    logins.push(login);
    if ((await loginHandler(login, response)) === false) return;
    made += 1;
    const cookies = [`eas.sid=${login.subject}~${made}; Path=/`, "_csrfToken=t; Path=/"];
    response.writeHead(200, { "set-cookie": cookies }).end("{}");
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "" } = request;
    if (url === "/login/jwt-session") return logIn(request, response);
    const session = sessionOf(request);
    seen.push(`${method} ${url} ${session}`);
    if ((await callHandler({ method, url, session, request, response })) === false) return;
    if (url === "/logout") lost.add(session);
    else if (lost.has(session)) response.statusCode = 401;
    if (url === csrfPath) response.writeHead(204, { "qlik-csrf-token": "token" }).end();
    else response.setHeader("content-type", "text/plain").end(session);
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
    upgradeHandler({ session: sessionOf(request), request, socket, accept });
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
