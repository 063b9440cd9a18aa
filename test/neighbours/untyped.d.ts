/** What the tests use of packages that are installed by them, and are not there yet where types are checked. */
declare module "socket.io" {
  import type { Server as HttpServer } from "node:http";
  interface ServerSocket {
    emit(event: string, value: unknown): void;
    on(event: string, listener: (value: string) => void): void;
  }
  export class Server {
    constructor(server: HttpServer, options?: { readonly destroyUpgradeTimeout?: number });
    on(event: "connection", listener: (socket: ServerSocket) => void): this;
    close(): Promise<void>;
  }
}

declare module "socket.io-client" {
  interface ClientSocket {
    emit(event: string, value: unknown): void;
    on(event: string, listener: (value: string) => void): void;
    close(): void;
  }
  export function io(url: string, options: { readonly transports: readonly string[] }): ClientSocket;
}

declare module "@fastify/websocket" {
  import type { FastifyPluginCallback } from "fastify";
  const plugin: FastifyPluginCallback;
  export default plugin;
}
