import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { generate } from "selfsigned";

/** What a server does with a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts a server on a free port of this machine, behind TLS if there is a certificate. */
export async function listen(
  handler: Handler,
  certificate: { key: string; cert: string } | null,
): Promise<Server> {
  const server = certificate === null ? createPlainServer(handler) : createTlsServer(certificate, handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Makes a certificate for the shop and its neighbours. */
export async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const names = ["*.localhost", "*.shop.localhost"];
  const made = await generate([{ name: "commonName", value: "shop.localhost" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: names.map((value) => ({ type: 2 as const, value })) }],
  });
  return { key: made.private, cert: made.cert };
}

/** Ends a server and whatever is open at it. */
export async function endServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
