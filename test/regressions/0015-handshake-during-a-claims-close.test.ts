/*
 * A user loses a group: the tenant session is renewed, and the user's sockets are closed, so that they come back with
 * the new rights. A socket whose handshake was under way at that moment was not among them and opened afterwards, on
 * the old session and with the old rights. Such a handshake is refused; the client's next try is welcome.
 */
import { expect, test } from "vitest";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";

test("a handshake from before the loss of a group does not become a socket", async () => {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  let groups = ["finance"];
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    clock,
    proxy: { identify: () => ({ subject: "ann", groups }) },
  });
  await stack.get(path);
  const underway: (() => void)[] = [];
  const sessions: string[] = [];
  tenant.onUpgrade(({ session, accept }) => {
    sessions.push(session);
    underway.push(accept);
  });
  const socket = stack.socket("/app/x");
  await expect.poll(() => underway).toHaveLength(1);

  clock.advance(31_000);
  groups = [];
  await expect.poll(async () => (await stack.get(path)).text).toBe("ann~2");
  underway[0]?.();
  const refused = await Promise.race([
    socket.refused,
    new Promise((resolve) => socket.ws.once("open", () => resolve("open"))),
  ]);
  expect(refused).toMatchObject({ status: 503 });

  tenant.onUpgrade(({ session, accept }) => {
    sessions.push(session);
    accept();
  });
  const next = stack.socket("/app/x");
  await new Promise((resolve) => next.ws.once("open", resolve));
  expect(sessions).toEqual(["ann~1", "ann~2"]);
  next.ws.terminate();
});
