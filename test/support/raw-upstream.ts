import * as net from "node:net";
import type { AddressInfo } from "node:net";
import { wire, type WireAnswer } from "./kind-on-the-wire.ts";

/** A request as a lenient server would take it from the bytes. */
export interface SeenRequest {
  /** The request line, byte for byte. */
  readonly line: string;
  readonly method: string;
  /** Its target, byte for byte. */
  readonly target: string;
  /** The target within the tenant: without what every request of its kind has in it. */
  readonly path: string;
  /** Whether no tenant of the kind would take it. */
  readonly isOdd: boolean;
  /** Lower-case names with their values, in order. */
  readonly headers: readonly (readonly [string, string])[];
  /** The bytes of the body as they were framed; "" where no framing was given. */
  readonly body: string;
  header(name: string): string | undefined;
}

/** What the upstream does with a request. */
export type RawHandler = (request: SeenRequest, socket: net.Socket) => void;

/** A tenant on a raw socket, of the kind that the suite runs with: it believes every byte, and answers whatever the test says. */
export interface RawUpstream {
  readonly origin: string;
  /** What its absolute links begin with: the origin, and the path below which everything is. */
  readonly address: string;
  readonly seen: SeenRequest[];
  readonly sockets: ReadonlySet<net.Socket>;
  /** Takes the place of the handler for requests other than the login. */
  handle(handler: RawHandler): void;
  /** Takes the place of the answer to the login. */
  login(answer: (socket: net.Socket) => void): void;
  /** Takes the place of the answer to what the proxy asks to learn whether a session lives. */
  probe(answer: RawHandler): void;
  /** Called with each further connection, before anything is read from it. */
  onConnection(listener: (socket: net.Socket) => void): void;
  /** Ends every connection and refuses further ones. */
  close(): Promise<void>;
  /** Listens again, where it did before. */
  reopen(): Promise<void>;
}

/** What a login of a raw upstream gives: a session and, where its kind has one, a CSRF token. */
export const rawSession = "raw-session";
export const rawToken = "raw-token";

/** What the browser's requests became at the tenant, without those that the proxy makes itself. */
export const forwarded = (seen: readonly SeenRequest[]): readonly SeenRequest[] =>
  seen.filter(({ path }) => !wire.ownPaths.includes(path));

/** The bytes of an answer. */
export const bytesOf = ({ status, headers, body }: WireAnswer): string => {
  const framing = status === 204 ? [] : ["content-length", String(Buffer.byteLength(body))];
  const all = [...headers, ...framing];
  const lines = all.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${all[index + 1]}\r\n`] : []));
  return `HTTP/1.1 ${status} Said\r\n${lines.join("")}\r\n${body}`;
};

/** Starts a raw upstream that knows how to log in and nothing else. */
export async function startRawUpstream(initial: RawHandler = answerOk): Promise<RawUpstream> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<net.Socket>();
  let handler = initial;
  let answerLogin = (socket: net.Socket): void =>
    void socket.write(bytesOf(wire.signedIn(rawSession, rawToken)));
  let answerProbe: RawHandler | undefined;
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
    const say = (status: number, ...headers: readonly string[]): void =>
      void socket.write(bytesOf({ status, headers, body: "" }));
    if (request.isOdd) say(400);
    else if (wire.login(request) !== null) answerLogin(socket);
    else if (request.path === wire.logoutPath) say(204);
    else if (request.path === wire.probePath && answerProbe) answerProbe(request, socket);
    else if (request.path === wire.tokenPath) say(204, "qlik-csrf-token", rawToken);
    else handler(request, socket);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://tenant.localhost:${port}`,
    address: `http://tenant.localhost:${port}${wire.base}`,
    seen,
    sockets,
    handle(next) {
      handler = next;
    },
    login(answer) {
      answerLogin = answer;
    },
    probe(answer) {
      answerProbe = answer;
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
  const [method = "", target = ""] = line.split(" ");
  const path = wire.within(target, header);
  const start = end + 4;
  const make = (body: string, length: number) => ({
    head,
    length,
    request: { line, method, target, path: path ?? target, isOdd: path === undefined, headers, body, header },
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
