import { describe, expect, test } from "vitest";
import { SessionProxyError } from "../errors.ts";
import { heldBack, nextHold, type Hold } from "./gate-hold.ts";

const now = 1_000_000;
const refused = new SessionProxyError("QSP-USER-REFUSED", { reason: "no licence" });

/** The hold after so many failures, one as soon as the hold before it was over. */
function after(failures: readonly SessionProxyError[]): {
  readonly waits: number[];
  readonly hold: Hold | null;
} {
  let hold: Hold | null = null;
  let at = now;
  const waits: number[] = [];
  for (const failure of failures) {
    hold = nextHold(hold, failure, at);
    waits.push(hold.until - at);
    at = hold.until;
  }
  return { waits, hold };
}

describe("nextHold", () => {
  test("a refusal waits a second, and twice as long after each further one, a minute at most", () => {
    expect(after(Array.from({ length: 9 }, () => refused)).waits).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    expect(after(Array.from({ length: 3000 }, () => refused)).waits.at(-1)).toBe(60_000);
  });

  test("an outage waits half a second, however long it lasts, and does not count as a refusal", () => {
    const outage = new SessionProxyError("QSP-UPSTREAM");
    const late = new SessionProxyError("QSP-TIMEOUT");
    expect(after([outage, late, outage, late, refused, outage, refused]).waits).toEqual([
      500, 500, 500, 500, 1000, 500, 2000,
    ]);
  });

  test("a throttled tenant is left alone for as long as it asks, an hour at most, and not longer each time", () => {
    const throttled = (retryAfter: number) => new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter });
    expect(after([throttled(13), throttled(13), throttled(13), throttled(999_999)]).waits).toEqual([
      13_000, 13_000, 13_000, 3_600_000,
    ]);
  });
});

describe("heldBack", () => {
  test("gives the remembered failure with its reason and the time that is left, in whole seconds", () => {
    const { hold } = after([refused, refused, refused]);
    const until = hold?.until ?? 0;
    expect(heldBack(hold, until - 3001)).toMatchObject({
      code: "QSP-USER-REFUSED",
      reason: "no licence",
      retryAfter: 4,
    });
    expect(heldBack(hold, until - 1)?.retryAfter).toBe(1);
    expect(heldBack(hold, until)).toBeNull();
    expect(heldBack(null, now)).toBeNull();
  });

  test("a hold outlives a small step of the clock, and not one that would make it longer than any", () => {
    const { hold } = after(Array.from({ length: 7 }, () => refused));
    const until = hold?.until ?? 0;
    expect(heldBack(hold, until - 65_000)?.code).toBe("QSP-USER-REFUSED");
    expect(heldBack(hold, until - 90 * 60_000)).toBeNull();
  });

  test("a code that this version does not know is told as our own trouble", () => {
    expect(heldBack({ code: "QSP-LATER", until: now + 1, times: 1 }, now)?.code).toBe("QSP-BUSY");
  });
});
