import * as http from "node:http";
import * as https from "node:https";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import { SessionProxyError } from "../errors.ts";
import { largestOwnAnswer } from "../tenant/port.ts";
import { lookupWithLoopback } from "./loopback-lookup.ts";
import { toUpstreamError } from "./upstream-error.ts";

/** What the tenant answered to an upgrade: a socket, or its refusal. */
export type UpgradeAnswer =
  | { readonly socket: Duplex; readonly headers: readonly string[]; readonly head: Buffer }
  | { readonly status: number; readonly headers: readonly string[]; readonly body: Buffer };

/** One handshake with the tenant. */
export interface HandshakeRequest {
  readonly origin: string;
  /** Path and query, byte for byte. */
  readonly path: string;
  /** Names and values in turn, the host included. */
  readonly headers: readonly string[];
  readonly trust: { readonly secureContext?: SecureContext; readonly rejectUnauthorized?: true };
  /** Milliseconds. */
  readonly timeouts: { readonly connect: number; readonly headers: number };
  readonly signal: AbortSignal;
}

const nothing: Buffer = Buffer.alloc(0);

/** Sends a handshake on a connection of its own; its answer is read by node's strict parser. @throws SessionProxyError */
export function sendHandshake(handshake: HandshakeRequest): Promise<UpgradeAnswer> {
  const { timeouts, signal, trust } = handshake;
  const { hostname, protocol, port } = new URL(handshake.origin);
  const isSecure = protocol === "https:";
  const options: https.RequestOptions = {
    ...trust,
    host: hostname,
    port: port === "" ? (isSecure ? 443 : 80) : Number(port),
    path: handshake.path,
    method: "GET",
    headers: handshake.headers,
    lookup: lookupWithLoopback,
    agent: false,
    setHost: false,
    signal,
  };
  return new Promise((resolve, reject) => {
    const request = isSecure ? https.request(options) : http.request(options);
    const tooLate = (what: string): void => {
      reject(new SessionProxyError("QSP-TIMEOUT", { reason: what }));
      request.destroy();
    };
    let timer = setTimeout(() => tooLate("no connection for the upgrade"), timeouts.connect);
    request.on("socket", (socket) => {
      socket.once(isSecure ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        timer = setTimeout(() => tooLate("the tenant did not answer the upgrade"), timeouts.headers);
      });
    });
    const settle = (answer: UpgradeAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    request.on("upgrade", (response, socket, head) => {
      settle({ socket, headers: response.rawHeaders, head });
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (body: Buffer): void => {
        const status = response.statusCode ?? 0;
        settle({ status, headers: response.rawHeaders, body });
        response.destroy();
      };
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= largestOwnAnswer) chunks.push(chunk);
        else done(nothing);
      });
      response.on("end", () => done(Buffer.concat(chunks)));
      // The status holds all the same, but a part of the words would be passed on as the whole.
      response.on("error", () => done(nothing));
    });
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(toUpstreamError(error));
    });
    request.end();
  });
}
