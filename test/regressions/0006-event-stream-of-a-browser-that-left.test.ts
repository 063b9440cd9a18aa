/*
 * A browser asks for the events of its session and leaves while the host still looks who it is. The stream was then
 * begun for nobody: its end had been told before anybody listened, so it looked after the session every second for
 * as long as the process ran. Any user could pile such streams up. A stream whose browser has left is not begun.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const streams = 20;

/** Longer than from one look of a stream to the next. Milliseconds. */
const oneLook = 1300;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("nothing looks after the session of a browser that left before its stream began", async () => {
  const clock = createManualClock();
  const latch = createLatch();
  let looks = 0;
  let asked = 0;
  const stack = await started.stack({
    // Every look of a stream reads the time; nothing else does in a proxy without sessions and requests.
    clock: {
      ...clock,
      now() {
        looks += 1;
        return clock.now();
      },
    },
    proxy: {
      async identify() {
        asked += 1;
        await latch.opened;
        return { subject: "ann" };
      },
    },
  });
  for (let index = 0; index < streams; index += 1) {
    const connection = await connectTo(stack.origin);
    connection.write(requestHead(stack.origin, "GET /qlik/_session/events HTTP/1.1"));
    await expect.poll(() => asked).toBe(index + 1);
    connection.socket.destroy();
  }
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
  latch.open();
  await pause(oneLook);
  const before = looks;
  await pause(oneLook);
  expect(looks).toBe(before);
});

test("a stream whose browser stays is still looked after", async () => {
  const stack = await started.stack();
  const connection = await connectTo(stack.origin);
  started.keep({ close: () => connection.socket.destroy() });
  connection.write(requestHead(stack.origin, "GET /qlik/_session/events HTTP/1.1"));
  await connection.until((text) => text.includes(": open"));
  await stack.get("/api/v1/items");
  await pause(oneLook);
  await stack.proxy.revoke({ subject: "ann" });
  expect(await connection.until((text) => text.includes("event: ended"))).toContain('{"reason":"revoked"}');
});
