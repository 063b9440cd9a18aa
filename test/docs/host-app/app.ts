/** What the examples in the documents take from the reader's own application. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";

/** The shape of a handler as Express, Connect and their kind call it. */
type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** The part of an Express application that the examples use. */
interface Application extends RequestListener {
  use(handler: Handler): unknown;
  listen(port: number): Server;
}

export declare const app: Application;
export declare const sessionMiddleware: Handler;

/** In PEM. */
export declare const privateKey: string;

/** Who is signed in to the application, by its own session. */
export declare function userOf(
  request: IncomingMessage,
): { readonly subject: string; readonly name: string; readonly sessionId: string } | null;
