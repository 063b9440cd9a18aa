import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AnyServer, createListener } from "./listener.ts";

/** What the probes ask for. */
export interface AdminState {
  /** Whether new work should come here; "login held back" where the tenant refuses or throttles every login. */
  readonly readiness: () => "ready" | "draining" | "login held back";
}

/** Creates the private listener: probes without a token, everything else with it. */
export function createAdminListener(token: string | undefined, state: AdminState): AnyServer {
  const server = createListener(undefined);
  const wanted = token === undefined ? undefined : digest(token);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (path === "/health/live" && isRead) return answer(response, 200, { status: "live" });
    if (path === "/health/ready" && isRead) {
      const status = state.readiness();
      return answer(response, status === "ready" ? 200 : 503, { status });
    }
    if (wanted === undefined || !timingSafeEqual(wanted, digest(tokenOf(request)))) {
      response.setHeader("WWW-Authenticate", "Bearer");
      return answer(response, 401, { status: "unauthorized" });
    }
    return answer(response, 404, { status: "not found" });
  });
  return server;
}

/** Two digests are equally long, so comparing them tells nothing about the token. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

const tokenOf = (request: IncomingMessage): string =>
  /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(text);
}
