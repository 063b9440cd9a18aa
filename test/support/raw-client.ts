import * as http from "node:http";
import * as net from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** False where the connection was cut before the end of the body. */
  readonly complete: boolean;
  readonly text: string;
  header(name: string): string | undefined;
  json(): unknown;
}

/** A request to a server of the test. */
export interface RawRequest {
  readonly origin: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | string | AsyncIterable<Buffer>;
  /** Sends the body in chunks although its length is known. */
  readonly chunked?: boolean;
  readonly agent?: http.Agent;
}

/** Sends one request and collects the whole answer; rejects only where there was no head of an answer. */
export function send(request: RawRequest): Promise<RawAnswer> {
  const url = new URL(request.origin);
  const known = typeof request.body === "string" || Buffer.isBuffer(request.body);
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    headers[name] = typeof value === "string" ? value : [...value];
  }
  if (request.chunked) headers["transfer-encoding"] = "chunked";
  else if (known) headers["content-length"] = String(Buffer.byteLength(request.body as string));
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      host: "127.0.0.1",
      port: url.port,
      path: request.path,
      method: request.method ?? "GET",
      headers: { host: url.host, ...headers },
      agent: request.agent ?? false,
    });
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      const done = (): void => resolve(answerOf(response, Buffer.concat(chunks)));
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", done);
      response.on("error", done);
    });
    outgoing.on("error", reject);
    void write(outgoing, request.body);
  });
}

async function write(outgoing: http.ClientRequest, body: RawRequest["body"]): Promise<void> {
  if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) {
    outgoing.end(body);
    return;
  }
  for await (const chunk of body) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once("drain", resolve));
  }
  outgoing.end();
}

function answerOf(response: http.IncomingMessage, body: Buffer): RawAnswer {
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    body,
    complete: response.complete,
    text: body.toString("utf8"),
    header: (name) => {
      const value = response.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    json: () => JSON.parse(body.toString("utf8")) as unknown,
  };
}

/** Writes bytes to a server and collects what comes back until it closes or `until` is satisfied. */
export function sendBytes(
  origin: string,
  bytes: Buffer | string,
  until: (received: string) => boolean = () => false,
  limit = 5000,
): Promise<{ readonly text: string; readonly closed: boolean }> {
  const { port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), "127.0.0.1");
    let text = "";
    const done = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => done(false), limit);
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (until(text)) done(false);
    });
    socket.on("error", () => {});
    socket.on("close", () => done(true));
  });
}
