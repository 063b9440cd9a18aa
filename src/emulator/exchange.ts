import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Answer } from "./answer.ts";
import type { UserSession } from "./sessions.ts";
import type { Tenant } from "./local-tenant.ts";

/** One request on its way through the tenant. */
export interface Exchange {
  readonly tenant: Tenant;
  readonly request: IncomingMessage;
  /** The request's body; read this, not the request. */
  readonly body: Readable;
  /** Path without query, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly session: UserSession | undefined;
}

/** An exchange of someone who has a session. */
export interface SignedInExchange extends Exchange {
  readonly session: UserSession;
}

/** Answers an exchange. */
export type Handler<E extends Exchange = Exchange> = (exchange: E) => Answer | Promise<Answer>;

/** Reads the whole body. */
export async function readBody(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of exchange.body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Reads a JSON object from the body; anything else reads as nothing. */
export async function readJsonObject(
  exchange: Exchange,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = JSON.parse((await readBody(exchange)).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
