import { request as requestPlain, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestSecure } from "node:https";
import type { Secret } from "../kernel/secret.ts";

/** Where a private listener is, and what it lets in. */
export interface AdminTarget {
  /** An origin, or `unix:` and a path. */
  readonly url: string;
  /** Probes are answered without one. */
  readonly token?: Secret;
}

/** What a private listener answered. */
export interface AdminReply {
  readonly status: number;
  /** The JSON that came; undefined where it was none. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Thrown where there is no answer; the message is for the operator. */
export class NotReachedError extends Error {
  override readonly name = "NotReachedError";
}

/** What is asked of a private listener. */
export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  /**
   * The longest an answer may take. Milliseconds; 30000 by default, because a store that is asked for thousands of sessions
   * is slow.
   */
  readonly patience?: number;
}

/** Sends one request to a private listener. @throws NotReachedError */
export async function askAdmin(target: AdminTarget, request: AdminRequest): Promise<AdminReply> {
  const { patience = 30_000 } = request;
  try {
    return await exchange(target, { ...request, patience });
  } catch (cause) {
    throw new NotReachedError(describe(cause, target.url, patience), { cause });
  }
}

function exchange(target: AdminTarget, request: Required<AdminRequest>): Promise<AdminReply> {
  const { method, path, patience } = request;
  const { token } = target;
  const options: RequestOptions = {
    method,
    path,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` }),
      Accept: "application/json",
    },
    signal: AbortSignal.timeout(patience),
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => {
      collect(response).then(resolve, reject);
    };
    open(target.url, options, take).on("error", reject).end();
  });
}

function open(
  url: string,
  options: RequestOptions,
  take: (response: IncomingMessage) => void,
): ReturnType<typeof requestPlain> {
  if (url.startsWith("unix:")) {
    return requestPlain({ ...options, socketPath: url.slice("unix:".length), host: "localhost" }, take);
  }
  return url.startsWith("https:") ? requestSecure(url, options, take) : requestPlain(url, options, take);
}

async function collect(response: IncomingMessage): Promise<AdminReply> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, headers } = response;
  return { status: statusCode, headers, body: parse(Buffer.concat(chunks).toString()) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(error: unknown, url: string, patience: number): string {
  const { code, name } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || code === "ENOENT") {
    return `nothing listens at ${url}: is the server running, and is this its admin.listen?`;
  }
  if (code === "EACCES") return `${url} may not be opened by this user`;
  if (name === "TimeoutError" || code === "ABORT_ERR")
    return `${url} did not answer within ${patience / 1000} seconds`;
  return `${url} cannot be reached (${code ?? name})`;
}
