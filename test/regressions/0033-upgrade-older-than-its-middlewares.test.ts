/*
 * An upgrade was dated after the host's middlewares had run. One that took longer than the two seconds after a log-out let
 * a socket from before it sign the user in again.
 */
import { afterEach, expect, test } from "vitest";
import { startStack, type Stack } from "../support/stack.ts";

let stack: Stack | undefined;
afterEach(async () => stack?.close());

test("an upgrade that came before the log-out does not bring the session back, however long the host's middlewares take", async () => {
  let arrived = (): void => {};
  const isThere = new Promise<void>((resolve) => (arrived = resolve));
  stack = await startStack({
    before: [
      (_request, _response, next) => {
        // The host has looked up its own session here, and waits for something else.
        arrived();
        setTimeout(() => next(), 2600);
      },
    ],
  });
  await stack.get("/api/v1/users/me");
  const socket = stack.socket("/app/SessionApp_1");
  const opened = new Promise<number>((resolve) => socket.ws.once("open", () => resolve(101)));
  await isThere;
  await stack.get("/_session", { method: "DELETE" });
  const status = await Promise.race([opened, socket.refused.then((refusal) => refusal.status)]);
  socket.ws.terminate();
  expect(status).toBe(401);
});
