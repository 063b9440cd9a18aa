import { describe, expect, test } from "vitest";
import { SessionProxyError } from "../errors.ts";
import { createLoginGate } from "./login-gate.ts";

function setUp(perMinute = 100) {
  let now = 1_000_000;
  const clock = { now: () => now, setTimer: () => () => {} };
  return { gate: createLoginGate(clock, perMinute), pass: (ms: number) => (now += ms) };
}

const refused = new SessionProxyError("QSP-TENANT-REFUSED");

function codeOf(task: () => void): string {
  try {
    task();
    return "open";
  } catch (error) {
    return (error as SessionProxyError).code;
  }
}

describe("createLoginGate", () => {
  test("a burst up to the limit passes at once, the next login is told when to come back", () => {
    const { gate, pass } = setUp(10);
    for (let index = 0; index < 10; index += 1) gate.enter(`user ${index}`);
    expect(() => gate.enter("one more")).toThrow(
      expect.objectContaining({ code: "QSP-BUSY", retryAfter: 6 }),
    );
    pass(6000);
    expect(codeOf(() => gate.enter("one more"))).toBe("open");
  });

  test("a refused user waits twice as long after each refusal, another user not at all", () => {
    const { gate, pass } = setUp();
    gate.failed("ann", new SessionProxyError("QSP-USER-REFUSED"));
    expect(codeOf(() => gate.enter("ann"))).toBe("QSP-USER-REFUSED");
    expect(codeOf(() => gate.enter("bob"))).toBe("open");
    pass(1000);
    expect(codeOf(() => gate.enter("ann"))).toBe("open");
    gate.failed("ann", new SessionProxyError("QSP-USER-REFUSED"));
    pass(1000);
    expect(codeOf(() => gate.enter("ann"))).toBe("QSP-USER-REFUSED");
    pass(1000);
    expect(codeOf(() => gate.enter("ann"))).toBe("open");
  });

  test("one user's bad token does not lock out the others, a bad key holds back all", () => {
    const { gate } = setUp();
    for (let times = 0; times < 5; times += 1) gate.failed("ann", refused);
    expect(codeOf(() => gate.enter("bob"))).toBe("open");
    gate.failed("bob", refused);
    gate.failed("cid", refused);
    expect(codeOf(() => gate.enter("dan"))).toBe("QSP-TENANT-REFUSED");
    expect(gate.closed).toBe(true);
  });

  test("a throttled tenant is left alone for as long as it asks", () => {
    const { gate, pass } = setUp();
    gate.failed("ann", new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 13 }));
    expect(() => gate.enter("bob")).toThrow(
      expect.objectContaining({ code: "QSP-TENANT-THROTTLED", retryAfter: 13 }),
    );
    pass(13_000);
    expect(codeOf(() => gate.enter("bob"))).toBe("open");
  });

  test("after an outage of any length the next try is half a second away", () => {
    const { gate, pass } = setUp();
    for (let times = 0; times < 10; times += 1) gate.failed("ann", new SessionProxyError("QSP-UPSTREAM"));
    pass(500);
    expect(codeOf(() => gate.enter("ann"))).toBe("open");
  });

  test("a login that succeeds forgets the refusals before it", () => {
    const { gate } = setUp();
    for (const user of ["ann", "bob", "cid"]) gate.failed(user, refused);
    gate.succeeded("dan");
    expect(codeOf(() => gate.enter("eve"))).toBe("open");
  });
});
