import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What an application says of a user. */
export type WhoamiAnswer = Readonly<Record<string, unknown>>;

/** An application with sessions of its own, which says who is signed in to it. */
export interface WhoamiApp {
  readonly url: string;
  /** Who is signed in, by the value of the cookie `app`. */
  readonly users: Map<string, WhoamiAnswer>;
  /** Headers of every question, as they came. */
  readonly questions: (readonly string[])[];
  /** Takes the place of the answer; null for the usual one. */
  answer(handler: ((request: IncomingMessage, response: ServerResponse) => void) | null): void;
  /** Who the usual answer would name. */
  usual(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

/** Starts an application that nobody is signed in to. */
export async function startWhoamiApp(): Promise<WhoamiApp> {
  const users = new Map<string, WhoamiAnswer>();
  const questions: (readonly string[])[] = [];
  let handler: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  const usual = (request: IncomingMessage, response: ServerResponse): void => {
    const value = /(?:^|; )app=([^;]*)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
    const user = users.get(value);
    response.setHeader("content-type", "application/json; charset=utf-8");
    if (user === undefined) response.statusCode = 401;
    response.end(JSON.stringify(user ?? { error: "nobody" }));
  };
  const server = createServer((request, response) => {
    questions.push(request.rawHeaders);
    (handler ?? usual)(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`,
    users,
    questions,
    usual,
    answer: (next) => void (handler = next),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
