import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSessionProxy } from "../../src/index.ts";
import {
  createTestClock,
  createTestIssuer,
  createTestTenant,
  createTestWhoami,
  nextEvent,
  trustedHeaders,
} from "../../src/testing.ts";

describe("with NODE_ENV=production", () => {
  const clock = createTestClock();
  beforeEach(() => void vi.stubEnv("NODE_ENV", "production"));
  afterEach(() => void vi.unstubAllEnvs());

  const functions: readonly (readonly [name: string, call: () => unknown])[] = [
    ["createTestTenant", () => createTestTenant()],
    ["createTestClock", () => createTestClock()],
    ["createTestIssuer", () => createTestIssuer()],
    ["createTestWhoami", () => createTestWhoami()],
    ["trustedHeaders", () => trustedHeaders("ann", { subject: "X-User-Sub" })],
    ["nextEvent", () => nextEvent("session.ended")],
  ];

  test.each(functions)("%s refuses to run", async (_name, call) => {
    await expect((async () => call())()).rejects.toThrow("does not run with NODE_ENV=production");
  });

  test("a proxy refuses another time than the machine's", async () => {
    const make = (): unknown =>
      createSessionProxy({
        tenant: { origin: "https://acme.eu.qlikcloud.com", signingKeys: [] },
        identify: () => null,
        clock,
      });
    expect(make).toThrow("clock: is for tests, and is refused because NODE_ENV is production");
    vi.stubEnv("NODE_ENV", "test");
    expect(make).not.toThrow("clock:");
  });
});
