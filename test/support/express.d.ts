/** The part of Express that the tests use; it brings no types of its own. */
declare module "express" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export type Next = (error?: unknown) => void;
  export type Handler = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

  export interface Application extends RequestListener {
    use(...handlers: readonly (string | Handler)[]): this;
    all(path: string | RegExp, handler: Handler): this;
    enable(setting: string): this;
  }

  export interface JsonOptions {
    readonly verify?: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
  }

  const express: {
    (): Application;
    Router(): Handler & Application;
    json(options?: JsonOptions): Handler;
  };
  export default express;
}
