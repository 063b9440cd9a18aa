/** The parts of frameworks without types of their own that the tests use. */
declare module "express4" {
  export { default } from "express";
}

declare module "express-session" {
  import type { Handler } from "express";
  export default function session(options: {
    readonly secret: string;
    readonly resave: boolean;
    readonly saveUninitialized: boolean;
    readonly rolling: boolean;
  }): Handler;
}

declare module "compression" {
  import type { Handler } from "express";
  export default function compression(options?: { readonly threshold?: number }): Handler;
}

declare module "koa" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
  interface Context {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly path: string;
    body: unknown;
    status: number;
    respond: boolean;
    set(name: string, value: string): void;
  }
  export default class Koa {
    use(middleware: (context: Context, next: () => Promise<void>) => unknown): this;
    callback(): RequestListener;
    on(event: "error", listener: (error: Error) => void): this;
  }
}
