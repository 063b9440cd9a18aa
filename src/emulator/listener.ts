import { createServer as createPlainServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { OwnCertificate } from "./certificate.ts";

/** How long an idle connection is kept; load balancers wait 60 s by default (facts §5.6). Milliseconds. */
const KEEP_ALIVE = 60_000;

/** Creates the server of the tenant; HTTP if there is no certificate. */
export function createListener(certificate: OwnCertificate | undefined): Server {
  const settings = { keepAlive: true, keepAliveTimeout: KEEP_ALIVE, noDelay: true };
  const server =
    certificate === undefined
      ? createPlainServer(settings)
      : createTlsServer({ ...settings, key: certificate.privateKey, cert: certificate.certificate });
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  return server;
}

/** Listens; resolves with the port. */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
