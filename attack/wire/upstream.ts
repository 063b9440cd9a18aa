import * as net from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { valueOf } from "./headers.ts";
import type { Owners } from "./owners.ts";
import { readAll, type ReadHead, readings } from "./readings.ts";
import { UpstreamConnection, type Exchange, type SeenRequest } from "./upstream-connection.ts";

/** What the upstream has to do by itself, so that a proxy which logs in gets as far as a request. */
export interface Duties {
  /** Where the proxy logs in; undefined where its credential is fixed. */
  readonly loginPath: string | undefined;
  /** Names of the cookies that a login hands out. */
  readonly loginCookies: readonly string[];
  /** Where the proxy fetches a token, and the header it comes in. */
  readonly tokenPath: string | undefined;
  readonly tokenHeader: string | undefined;
}

/** Answers one request, instead of the usual answer. */
export type Script = (exchange: Exchange) => void | Promise<void>;

/** The server behind the target: it records every byte, believes most of them, and answers as it is told. */
export interface Upstream {
  /** `host:port`, as the proxy is told. */
  readonly authority: string;
  readonly owners: Owners;
  readonly connections: readonly UpstreamConnection[];
  /** Subjects that logged in. */
  readonly logins: readonly string[];
  /** Every request in the primary reading, the proxy's own included. */
  readonly requests: readonly SeenRequest[];
  /** Requests whose target holds the text. */
  seen(text: string): SeenRequest[];
  /** The same in every reading, with the name of the reading. */
  readsOf(text: string): { readonly reading: string; readonly head: ReadHead }[];
  /** Answers the requests whose target holds the tag. */
  script(tag: string, script: Script): void;
  /** Resolves with true as soon as something has happened here that satisfies, false after `ms`. */
  until(satisfies: () => boolean, ms: number): Promise<boolean>;
  /** Answers them as usual again. */
  unscript(tag: string): void;
  close(): Promise<void>;
}

/** Starts the upstream; port 0 takes a free one. */
export async function startUpstream(
  at: { readonly host: string; readonly port: number },
  duties: Duties,
  owners: Owners,
): Promise<Upstream> {
  const connections: UpstreamConnection[] = [];
  const logins: string[] = [];
  const scripts = new Map<string, Script>();
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const each of listeners) each();
  };
  const answer = (exchange: Exchange): void => {
    const { target } = exchange.request;
    const scripted = [...scripts].find(([tag]) => target.includes(tag))?.[1];
    const script = scripted ?? dutyOf(exchange.request, { duties, owners, logins }) ?? answerUsual;
    Promise.resolve(script(exchange)).catch(() => exchange.request.connection.socket.destroy());
  };
  const server = net.createServer((socket) => {
    const connection = new UpstreamConnection(connections.length + 1, socket, { owners, answer });
    connections.push(connection);
    for (const event of ["data", "end", "error"]) socket.on(event, tell);
    socket.on("close", () => {
      connection.isClosed = true;
      tell();
    });
    tell();
  });
  server.listen(at.port, at.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const requests = (): SeenRequest[] => connections.flatMap((each) => each.requests);
  return {
    authority: `${at.host}:${port}`,
    owners,
    connections,
    logins,
    get requests() {
      return requests();
    },
    seen: (text) => requests().filter(({ target }) => target.includes(text)),
    readsOf: (text) =>
      connections
        .filter(({ bytes }) => bytes.includes(text))
        .flatMap(({ bytes }) =>
          readings.flatMap((reading) =>
            readAll(bytes, reading)
              .filter(({ target }) => target.includes(text))
              .map((head) => ({ reading: reading.name, head })),
          ),
        ),
    script: (tag, script) => void scripts.set(tag, script),
    until: (satisfies, ms) =>
      new Promise((resolve) => {
        const end = (outcome: boolean): void => {
          clearTimeout(timer);
          listeners.delete(look);
          resolve(outcome);
        };
        const look = (): void => {
          if (satisfies()) end(true);
        };
        const timer = setTimeout(() => end(false), ms);
        listeners.add(look);
        look();
      }),
    unscript: (tag) => void scripts.delete(tag),
    async close() {
      for (const { socket } of connections) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The usual answer: whose credential came, in words that are no secret. */
async function answerUsual({ request, whole, write }: Exchange): Promise<void> {
  await whole;
  write(plainAnswer(request, `owner=${request.owner};`));
}

/** A sound answer; without its body to HEAD. */
export function plainAnswer(
  request: Pick<SeenRequest, "method">,
  body: string,
  headers: readonly string[] = [],
): string {
  const head = ["HTTP/1.1 200 OK", "Content-Type: text/plain", `Content-Length: ${body.length}`, ...headers];
  return `${head.join("\r\n")}\r\n\r\n${request.method === "HEAD" ? "" : body}`;
}

interface Duty {
  readonly duties: Duties;
  readonly owners: Owners;
  readonly logins: string[];
}

/** What is asked by the proxy itself. */
function dutyOf(request: SeenRequest, { duties, owners, logins }: Duty): Script | undefined {
  const [path] = request.target.split("?");
  if (duties.loginPath !== undefined && path === duties.loginPath) {
    return async ({ whole, write }) => {
      await whole;
      const subject = subjectOf(valueOf(request.headers, "authorization") ?? "");
      logins.push(subject);
      const cookies = duties.loginCookies.map(
        (name) => `Set-Cookie: ${name}=${owners.issue(subject)}; Path=/; HttpOnly`,
      );
      write(plainAnswer(request, "{}", cookies));
    };
  }
  if (duties.tokenPath !== undefined && path === duties.tokenPath) {
    return async ({ whole, write }) => {
      await whole;
      write(`HTTP/1.1 204 No Content\r\n${duties.tokenHeader ?? "x-token"}: token\r\n\r\n`);
    };
  }
  return undefined;
}

/** Who a bearer token is for; the whole value where it is no JWT. */
function subjectOf(authorization: string): string {
  const [, payload = ""] = authorization.replace(/^Bearer\s+/i, "").split(".");
  try {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { sub?: unknown };
    return typeof claims.sub === "string" ? claims.sub : authorization;
  } catch {
    return authorization;
  }
}
