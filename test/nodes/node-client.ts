import * as http from "node:http";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { testSocket, type TestSocket } from "../support/stack.ts";

/** A user as the front door names them: `subject` or `subject;host session`. */
export type User = string;

/** What became of a request. */
export type Outcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly text: string;
      /** Code of an error of ours; empty for everything else. */
      readonly code: string;
      /** Seconds of `Retry-After`; 0 without it. */
      readonly retryAfter: number;
    }
  /** The client left, as it was told to. */
  | { readonly kind: "aborted" }
  /** The connection broke. */
  | { readonly kind: "lost" };

/** How a request differs from a plain read. */
export interface RequestOrder {
  readonly method?: string;
  /** The client leaves after this long. Milliseconds. */
  readonly abortAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A browser's way to a node, as if through the front door: it names the user and the public origin. */
export interface NodeClient {
  /** A request below the prefix. */
  ask(port: number, user: User, path: string, order?: RequestOrder): Promise<Outcome>;
  /** A socket to the engine. */
  socket(port: number, user: User): TestSocket;
  close(): void;
}

/** The path whose answer holds the mark of its user: the subject. */
export const markPath = "/api/v1/users/me";

/** The subject of a user. */
export const subjectOf = (user: User): string => user.split(";", 1)[0] ?? "";

/** The subject that an answer of `markPath` names; undefined where it names none. */
export function markOf(outcome: Outcome): string | undefined {
  if (outcome.kind !== "answered" || outcome.status !== 200) return undefined;
  return (JSON.parse(outcome.text) as { subject?: string }).subject;
}

/** What the front door says of a user, as trusted headers. */
export function userHeaders(user: User): Record<string, string> {
  const [subject = "", sessionId] = user.split(";");
  return {
    "x-user-sub": subject,
    "x-user-name": subject,
    "x-user-email": `${subject}@example.test`,
    ...(sessionId === undefined ? {} : { "x-user-session": sessionId }),
  };
}

const codeOf = (text: string): string => /"code":"(QSP-[A-Z-]+)"/.exec(text)?.[1] ?? "";

/** Creates a client; its connections are kept open between requests, as browsers do. */
export function createNodeClient(publicOrigin: string): NodeClient {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const { host } = new URL(publicOrigin);
  const ask: NodeClient["ask"] = (port, user, path, { method = "GET", abortAfter, headers = {} } = {}) =>
    new Promise((resolve) => {
      let isAborted = false;
      const outgoing = http.request({
        host: "127.0.0.1",
        port,
        path: `/qlik${path}`,
        method,
        agent,
        headers: { host, "sec-fetch-site": "same-origin", ...userHeaders(user), ...headers },
      });
      const leave =
        abortAfter === undefined
          ? undefined
          : setTimeout(() => {
              isAborted = true;
              outgoing.destroy();
            }, abortAfter);
      const end = (outcome: Outcome): void => {
        clearTimeout(leave);
        resolve(isAborted ? { kind: "aborted" } : outcome);
      };
      outgoing.on("error", () => end({ kind: "lost" }));
      outgoing.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => {});
        response.on("close", () => {
          if (!response.complete) return end({ kind: "lost" });
          const text = Buffer.concat(chunks).toString("utf8");
          const status = response.statusCode ?? 0;
          const retryAfter = Number(response.headers["retry-after"] ?? 0);
          end({ kind: "answered", status, text, code: codeOf(text), retryAfter });
        });
      });
      outgoing.end();
    });
  return {
    ask,
    socket: (port, user) =>
      testSocket(`ws://127.0.0.1:${port}/qlik/app/${APP_ID.sales}`, {
        host,
        origin: publicOrigin,
        ...userHeaders(user),
      }),
    close: () => agent.destroy(),
  };
}
