import * as net from "node:net";
import type { AddressInfo } from "node:net";

/** A request as a lenient server would take it from the bytes. */
export interface SeenRequest {
  readonly line: string;
  readonly method: string;
  readonly path: string;
  /** Lower-case names with their values, in order. */
  readonly headers: readonly (readonly [string, string])[];
  /** The bytes of the body as they were framed; "" where no framing was given. */
  readonly body: string;
  header(name: string): string | undefined;
}

/** What the upstream does with a request. */
export type RawHandler = (request: SeenRequest, socket: net.Socket) => void;

/** A tenant on a raw socket: it believes every byte, and answers whatever the test says. */
export interface RawUpstream {
  readonly origin: string;
  readonly seen: SeenRequest[];
  readonly sockets: ReadonlySet<net.Socket>;
  /** Takes the place of the handler for requests other than the login. */
  handle(handler: RawHandler): void;
  /** Takes the place of the answer to the login. */
  login(answer: (socket: net.Socket) => void): void;
  /** Called with each further connection, before anything is read from it. */
  onConnection(listener: (socket: net.Socket) => void): void;
  /** Ends every connection and refuses further ones. */
  close(): Promise<void>;
  /** Listens again, where it did before. */
  reopen(): Promise<void>;
}

/** Cookies of a login, so that a proxy gets as far as the request. facts §2.2 */
const loginAnswer =
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" +
  "Set-Cookie: eas.sid=raw-session; Path=/; HttpOnly\r\nSet-Cookie: eas.sid.sig=raw-signature; Path=/; HttpOnly\r\n" +
  "Set-Cookie: _csrfToken=raw-token; Path=/; HttpOnly\r\n\r\n{}";

const tokenBody = JSON.stringify({
  access_token: "raw-access-token",
  token_type: "bearer",
  expires_in: 21_600,
});

/** The same where a token is what requests show. facts §9 */
const tokenAnswer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${tokenBody.length}\r\n\r\n${tokenBody}`;

/** What the proxy asks for itself, at a tenant of either kind that a raw upstream can be. */
export const ownPaths: readonly string[] = [
  "/login/jwt-session",
  "/logout",
  "/api/v1/csrf-token",
  "/oauth/token",
  "/oauth/revoke",
];

/** Starts a raw upstream that knows how to log in and nothing else. */
export async function startRawUpstream(initial: RawHandler = answerOk): Promise<RawUpstream> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<net.Socket>();
  let handler = initial;
  let answerLogin = (socket: net.Socket): void => void socket.write(loginAnswer);
  let connected: (socket: net.Socket) => void = () => {};
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let buffer = "";
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    connected(socket);
    socket.on("data", (chunk: Buffer) => {
      buffer += chunk.toString("latin1");
      for (;;) {
        const parsed = parse(buffer);
        if (!parsed) return;
        buffer = buffer.slice(parsed.length);
        seen.push(parsed.request);
        respond(parsed.request, socket);
        if (/^upgrade: websocket/im.test(parsed.head)) return;
      }
    });
  });
  const respond = (request: SeenRequest, socket: net.Socket): void => {
    if (request.path === "/login/jwt-session") answerLogin(socket);
    else if (request.path === "/oauth/token") socket.write(tokenAnswer);
    else if (request.path === "/oauth/revoke") socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else if (request.path === "/logout") socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    else if (request.path === "/api/v1/csrf-token") {
      socket.write("HTTP/1.1 204 No Content\r\nqlik-csrf-token: raw-token\r\n\r\n");
    } else handler(request, socket);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://tenant.localhost:${port}`,
    seen,
    sockets,
    handle(next) {
      handler = next;
    },
    login(answer) {
      answerLogin = answer;
    },
    onConnection(listener) {
      connected = listener;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    reopen: () => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve)),
  };
}

/** A plain answer with a length. */
export function answerOk(_request: SeenRequest, socket: net.Socket): void {
  socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
}

/** The first whole request in the bytes; lenient: what follows a request without framing is the next request. */
function parse(
  buffer: string,
): { readonly request: SeenRequest; readonly length: number; readonly head: string } | null {
  const end = buffer.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = buffer.slice(0, end);
  const [line = "", ...rest] = head.split("\r\n");
  const headers = rest.map((text): readonly [string, string] => {
    const colon = text.indexOf(":");
    return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
  });
  const header = (name: string): string | undefined => headers.find(([each]) => each === name)?.[1];
  const [method = "", path = ""] = line.split(" ");
  const start = end + 4;
  const make = (body: string, length: number) => ({
    head,
    length,
    request: { line, method, path, headers, body, header },
  });
  if (header("transfer-encoding")?.includes("chunked")) {
    const last = lastChunk(buffer, start);
    return last === -1 ? null : make(buffer.slice(start, last), last + 5);
  }
  const length = Number(header("content-length") ?? 0);
  return buffer.length < start + length ? null : make(buffer.slice(start, start + length), start + length);
}

/** Where the last chunk of a body begins, -1 while it is not there: a chunk may hold what looks like the last one. */
function lastChunk(buffer: string, start: number): number {
  for (let at = start; at < buffer.length;) {
    if (buffer.startsWith("0\r\n\r\n", at)) return at;
    const feed = buffer.indexOf("\r\n", at);
    if (feed === -1) return -1;
    at = feed + 2 + Number.parseInt(buffer.slice(at, feed), 16) + 2;
  }
  return -1;
}
