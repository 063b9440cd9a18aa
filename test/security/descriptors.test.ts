/* A server whose descriptors are used up by connections that say nothing. attacks D2 */
import { readdirSync } from "node:fs";
import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { startServedProxy } from "../support/served-proxy.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const me = "/api/v1/users/me";

describe("a server that has run out of descriptors", () => {
  // A start opens that many of our modules at once.
  const most = 200;

  test(
    "answers 502 to who is connected, says so, and serves again when there are some",
    { timeout: 60_000 },
    async () => {
      const tenant = started.keep(await startNamedTenant());
      const more = "upstream: { idle: 1ms }";
      const served = started.keep(
        await startServedProxy({ tenantOrigin: tenant.origin, more, descriptors: most }),
      );
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      started.keep({ close: () => agent.destroy() });
      const ask = async (): Promise<number> => (await served.ask(me, { agent })).status;
      expect(await ask()).toBe(200);
      const port = Number(new URL(served.url).port);
      const idle: Socket[] = [];
      const crowd = async (count: number): Promise<void> => {
        for (let opened = 0; opened < count; opened += 1) {
          const socket = connect(port, "127.0.0.1");
          socket.on("error", () => {});
          idle.push(socket);
          await new Promise((resolve) => void socket.once("connect", resolve).once("close", resolve));
        }
      };
      const descriptors = (): number => readdirSync(`/proc/${served.command.pid}/fd`).length;
      await crowd(most);
      await expect.poll(descriptors).toBeGreaterThanOrEqual(most - 1);
      // Each connection to the tenant that is given up leaves a descriptor; newcomers have to take that first.
      const askInTheCrowd = async (): Promise<number> => {
        await crowd(10);
        return ask();
      };
      await expect.poll(askInTheCrowd, { timeout: 20_000 }).toBe(502);
      await served.command.line((line) => line.includes('"descriptors.exhausted"'));
      for (const socket of idle) socket.destroy();
      await expect.poll(descriptors).toBeLessThan(most / 2);
      expect(await ask()).toBe(200);
      expect((await served.ask(me, { user: "bob" })).status).toBe(200);
      await served.command.line((line) => line.includes('"descriptors.recovered"'));
      expect(served.command.complaints()).toBe("");
    },
  );
});
