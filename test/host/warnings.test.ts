import { once } from "node:events";
import { expect, test } from "vitest";
import { createSessionProxy } from "../../src/index.ts";
import { testKey } from "../support/stack.ts";

test("several processes over the memory store are warned of, loudly", async () => {
  const warned = once(process, "warning");
  const proxy = createSessionProxy({
    tenant: { origin: "https://acme.example.com", signingKeys: [testKey] },
    identify: () => null,
    replicas: 2,
  });
  const [warning] = (await warned) as [Error];
  expect(warning.name).toBe("SessionProxyWarning");
  expect(warning.message).toContain("replicas");
  await proxy.close();
});
