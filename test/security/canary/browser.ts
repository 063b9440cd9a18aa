import { type RawAnswer, type RawRequest, send } from "../../support/raw-client.ts";
import { connectTo } from "../../support/raw-connection.ts";
import type { Output } from "./grep.ts";
import { publicHost } from "./world.ts";

/** Somebody at a browser, whose every answer is kept. */
export interface CanaryBrowser {
  /** What it has been sent so far. */
  readonly outputs: readonly Output[];
  /** The codes of the errors among them. */
  readonly codes: ReadonlySet<string>;
  /** Sends a request below the prefix. */
  ask(path: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** The same as a navigation, whose errors are pages. */
  visit(path: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** Asks for a socket; resolves with what came until `enough`, or the end. The connection stays open. */
  socket(path: string, enough?: (received: string) => boolean): Promise<string>;
  /** Sends a request to the private listener. */
  admin(method: string, path: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** Reads a stream until `enough`. */
  stream(path: string, enough: (received: string) => boolean): Promise<string>;
  close(): void;
}

/** Who it is, and which secrets it sends along. */
export interface CanaryPerson {
  readonly headers: Readonly<Record<string, string>>;
}

/** Starts a browser at a server. */
export function startCanaryBrowser(
  server: { readonly url: string; readonly adminUrl: string },
  person: CanaryPerson,
): CanaryBrowser {
  const outputs: Output[] = [];
  const codes = new Set<string>();
  const open: { destroy(): unknown }[] = [];
  const keep = (name: string, text: string): void => {
    outputs.push({ name, text });
    for (const [code] of text.matchAll(/QSP-[A-Z-]+/g)) codes.add(code);
  };
  const kept = async (name: string, answer: Promise<RawAnswer>): Promise<RawAnswer> => {
    const { status, rawHeaders, body } = await answer;
    keep(`the answer to ${name}`, `${status}\n${rawHeaders.join("\n")}\n${body.toString("latin1")}`);
    return answer;
  };
  const ask: CanaryBrowser["ask"] = (path, { headers = {}, ...request } = {}) =>
    kept(
      `${request.method ?? "GET"} ${path}`,
      send({
        origin: server.url,
        path: `/qlik${path}`,
        ...request,
        headers: {
          host: publicHost,
          "sec-fetch-site": "same-origin",
          origin: `https://${publicHost}`,
          ...person.headers,
          ...headers,
        },
      }),
    );
  const raw = async (
    name: string,
    lines: readonly string[],
    enough: (text: string) => boolean,
  ): Promise<string> => {
    const connection = await connectTo(server.url);
    open.push(connection.socket);
    const headers = Object.entries(person.headers).map(([header, value]) => `${header}: ${value}`);
    connection.write(`${[...lines, `Host: ${publicHost}`, ...headers].join("\r\n")}\r\n\r\n`);
    const text = await connection.until(enough);
    keep(name, text);
    return text;
  };
  return {
    outputs,
    codes,
    ask,
    visit: (path, request = {}) =>
      ask(path, {
        ...request,
        headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", ...request.headers },
      }),
    socket: (path, enough = () => false) =>
      raw(
        `the upgrade of ${path}`,
        [
          `GET /qlik${path} HTTP/1.1`,
          "Connection: Upgrade",
          "Upgrade: websocket",
          `Origin: https://${publicHost}`,
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
        enough,
      ),
    stream: (path, enough) =>
      raw(`the stream of ${path}`, [`GET /qlik${path} HTTP/1.1`, "Sec-Fetch-Site: same-origin"], enough),
    admin: (method, path, request = {}) =>
      kept(
        `${method} ${path} of the private listener`,
        send({ origin: server.adminUrl, method, path, ...request }),
      ),
    close: () => {
      for (const each of open) each.destroy();
    },
  };
}
