import { expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { cleanedUp } from "../support/started.ts";
import { loginsAt, probesAt } from "../support/tenant-kind.ts";

/* Of a tenant that ends sessions which are not used: a token of OAuth ends when it says so, used or not. facts §9 */

const started = cleanedUp();
const minute = 60_000;

test("a session in use is kept alive at 0.7 of the tenant's idle limit, though only its socket is used", async () => {
  const clock = createManualClock();
  const stack = await started.stack({ clock, proxy: { session: { revalidate: "1d" } } });
  const socket = stack.socket(`/app/${APP_ID.sales}`);
  await socket.message();
  stack.tenant.modes.socketFramesCountAsActivity = false;
  for (let passed = 0; passed < 60; passed += 7) {
    clock.advance(7 * minute);
    const id = passed + 1;
    socket.ws.send(JSON.stringify({ jsonrpc: "2.0", id, handle: -1, method: "EngineVersion", params: [] }));
    await socket.message((text) => text.includes(`"id":${id},`) || text.includes(`"id":${id}}`));
    await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
    const due = Math.floor((passed + 7) / 21);
    await expect.poll(() => probesAt(stack.tenant)).toBe(due);
  }
  expect(loginsAt(stack.tenant)).toHaveLength(1);
  expect(stack.tenant.sessions.list()).toHaveLength(1);
  expect(stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 1 });
});
