import { ServerResponse, type IncomingMessage } from "node:http";
import { SessionProxyError } from "../errors.ts";
import type { Middleware } from "./session-proxy.ts";

/**
 * Runs the host's middlewares on an upgrade, one after the other, as its requests pass them.
 *
 * An upgrade has no response to answer with; a middleware that ends one has refused the user.
 *
 * @throws SessionProxyError `QSP-IDENTITY` where one fails, `QSP-UNAUTHENTICATED` where one refuses
 */
export async function runBefore(before: readonly Middleware[], request: IncomingMessage): Promise<void> {
  if (before.length === 0) return;
  const response = new ServerResponse(request);
  for (const middleware of before) {
    await new Promise<void>((resolve, reject) => {
      response.end = () => {
        reject(new SessionProxyError("QSP-UNAUTHENTICATED"));
        return response;
      };
      const fail = (cause: unknown): void =>
        reject(new SessionProxyError("QSP-IDENTITY", { reason: "a middleware of the host failed", cause }));
      const next = (cause?: unknown): void =>
        cause === undefined || cause === null ? resolve() : fail(cause);
      // Hosts also write them as async functions; a rejection that nobody hears would end the process.
      const run = async (): Promise<void> => middleware(request, response, next);
      run().catch(fail);
    });
  }
}
