import { afterEach, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { startStack, type Stack } from "../support/stack.ts";

/*
 * A session can end between the moment a request got it and the moment the request began to listen for its end. Such
 * a request went to the tenant after the log-out. However many turns lie between, it must not arrive there later.
 */

const stacks: Stack[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

test.each(Array.from({ length: 16 }, (_, turns) => turns))(
  "a revoke %i turns after the host's word",
  async (turns) => {
    let answer = (): void => {};
    let isHeld = false;
    const ann: Identity = { subject: "ann@example.test" };
    const stack = await startStack({
      proxy: {
        policy: { presets: ["embed", "embed-write"] },
        identify: () => (isHeld ? new Promise((resolve) => (answer = () => resolve(ann))) : ann),
      },
    });
    stacks.push(stack);
    await stack.get("/api/v1/reports", { method: "POST", body: "{}" });
    stack.tenant.take();
    isHeld = true;
    const pending = stack.get("/api/v1/reports", { method: "POST", body: "{}" });
    await expect.poll(() => stack.proxy.stats().inFlight).toBe(1);
    answer();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await stack.proxy.revoke({ subject: ann.subject });
    await pending;
    const seen = stack.tenant.recordings().map(({ url }) => url);
    const logout = seen.indexOf("/logout");
    expect(logout).not.toBe(-1);
    expect(seen.slice(logout).filter((url) => url.startsWith("/api/v1/reports"))).toEqual([]);
  },
);
