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
      try {
        middleware(request, response, (cause) => {
          if (cause === undefined || cause === null) resolve();
          else
            reject(
              new SessionProxyError("QSP-IDENTITY", { reason: "a middleware of the host failed", cause }),
            );
        });
      } catch (cause) {
        reject(new SessionProxyError("QSP-IDENTITY", { reason: "a middleware of the host failed", cause }));
      }
    });
  }
}
