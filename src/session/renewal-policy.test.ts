import { describe, expect, test } from "vitest";
import type { ProxySession } from "./proxy-session.ts";
import { decideRenewal } from "./renewal-policy.ts";

const now = 1_700_000_000_000;

function sessionWith({
  generation = 2,
  createdAt = now,
  provenAt = 0,
  renewedAt = [] as readonly number[],
}): ProxySession {
  return { current: { generation, createdAt, provenAt }, renewedAt } as unknown as ProxySession;
}

describe("decideRenewal", () => {
  test("a first login that is lost at once is renewed: it is trusted to have worked", () => {
    expect(decideRenewal(sessionWith({ generation: 1 }), now)).toBe("renew");
  });

  test("a renewed generation that never worked is not renewed again for ten seconds", () => {
    expect(decideRenewal(sessionWith({}), now + 9999)).toBe("pass");
    expect(decideRenewal(sessionWith({}), now + 10_000)).toBe("renew");
  });

  test("one that worked has really been lost, however young", () => {
    expect(decideRenewal(sessionWith({ provenAt: now }), now + 1)).toBe("renew");
  });

  test("no more than ten renewals in any half minute", () => {
    const renewedAt = Array.from({ length: 10 }, (_, second) => now + second * 1000);
    const session = sessionWith({ renewedAt, provenAt: now });
    expect(decideRenewal(session, now + 29_999)).toBe("pass");
    expect(decideRenewal(session, now + 30_000)).toBe("renew");
  });
});
