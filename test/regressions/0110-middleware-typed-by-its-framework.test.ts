/*
 * `attach(server, { before: [session()] })` did not compile in TypeScript: express-session's handler takes Express's request,
 * which is more than Node's, and the compiler refused it where a handler of Node's request was asked for. The compiler is
 * the test (`npm run types`); that it runs, this shows.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { Middleware } from "../../src/index.ts";
import { startStack } from "../support/stack.ts";

/** As the types of Express have it. */
interface HostRequest extends IncomingMessage {
  session: { readonly id: string };
}
interface HostResponse extends ServerResponse {
  locals: Record<string, unknown>;
}
interface HostNext {
  (error?: unknown): void;
  (deferToNext: "router"): void;
}
type HostHandler = (request: HostRequest, response: HostResponse, next: HostNext) => void;

test("a session middleware that names its framework's request is a middleware", async () => {
  const seen: string[] = [];
  const sessions: HostHandler = (request, _response, next) => {
    request.session = { id: "host-1" };
    seen.push(request.session.id);
    next();
  };
  const before: readonly Middleware[] = [sessions];
  const stack = await startStack({ before });
  try {
    expect(await stack.socket("/app/engineData").message()).toContain("OnConnected");
    expect(seen).toEqual(["host-1"]);
  } finally {
    await stack.close();
  }
});
