import { createServer } from "node:http";
import { expect, test } from "vitest";
import { createSessionProxy, type SessionProxyOptions } from "../../src/index.ts";
import { testKey } from "../support/stack.ts";

const options: SessionProxyOptions = {
  tenant: { origin: "https://acme.eu.qlikcloud.com", signingKeys: [testKey], sessionIdle: "30m" },
  identify: () => null,
};

test("durations and sizes may be texts with a unit, as in the configuration file", async () => {
  const proxy = createSessionProxy({
    ...options,
    session: { idleTimeout: "20m", renewBefore: "2m" },
    timeouts: { login: "5s", connect: 2000 },
    limits: { requestBody: "1MiB" },
  });
  const server = createServer(proxy);
  expect(proxy.stats().sessions).toBe(0);
  await proxy.close();
  server.close();
});

test.each([["20"], ["20 minutes"], [""], ["1MiB"]])(
  "a duration of %j is refused with what would be right",
  (text) => {
    expect(() => createSessionProxy({ ...options, session: { idleTimeout: text } })).toThrow(
      /session\.idleTimeout: must be a whole number of milliseconds, or a text with its unit such as 30s/,
    );
  },
);
