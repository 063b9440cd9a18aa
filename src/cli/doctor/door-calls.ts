import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { request as requestSecure } from "node:https";
import { rootCertificates } from "node:tls";
import type { ListenAddress } from "../../server/config/listen-address.ts";
import { lookupWithLoopback } from "../../upstream/loopback-lookup.ts";
import { errorCodeOf, objectOf } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

/** What came back. */
export interface DoorAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What is read of an answer; bytes. */
const mostRead = 64 * 1024;

/** Asks as a stranger outside would: through publicOrigin, without a cookie. */
export function knock(
  visit: Visit,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<DoorAnswer> {
  const { protocol, hostname, port } = new URL(visit.get("options").publicOrigin ?? "");
  const place = { hostname: hostname.replace(/^\[|\]$/g, ""), ...(port === "" ? {} : { port }) };
  return exchange(visit, protocol === "https:", { ...place, path, headers });
}

/** Asks at the proxy's own listener, as the front door does. */
export function knockInside(visit: Visit, path: string, address: ListenAddress): Promise<DoorAnswer> {
  const { host, hostname } = new URL(visit.get("options").publicOrigin ?? "");
  const place =
    "path" in address ? { socketPath: address.path } : { hostname: address.host, port: address.port };
  const { tls } = visit.get("config");
  const trust = tls === undefined ? {} : { servername: hostname, ca: [...rootCertificates, tls.cert] };
  const headers = { host, "sec-fetch-site": "same-origin" };
  return exchange(visit, tls !== undefined, { ...place, ...trust, path, headers });
}

function exchange(
  visit: Visit,
  isSecure: boolean,
  target: RequestOptions & { readonly path: string },
): Promise<DoorAnswer> {
  const { prefix, timeouts } = visit.get("options");
  const options: RequestOptions = {
    ...target,
    path: prefix + target.path,
    agent: false,
    lookup: lookupWithLoopback,
    signal: AbortSignal.timeout(timeouts.connect + timeouts.login),
  };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => void collect(response).then(resolve, reject);
    const outgoing = isSecure ? requestSecure(options, take) : request(options, take);
    outgoing.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 101, headers: response.rawHeaders, body: Buffer.alloc(0) });
    });
    outgoing.on("error", reject).end();
  });
}

async function collect(response: IncomingMessage): Promise<DoorAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > mostRead) break;
  }
  return { status: response.statusCode ?? 0, headers: response.rawHeaders, body: Buffer.concat(chunks) };
}

/** Whether the proxy itself has answered. */
export const isOurs = (answer: DoorAnswer): boolean =>
  errorCodeOf(answer).startsWith("QSP-") || typeof objectOf(answer)["authenticated"] === "boolean";
