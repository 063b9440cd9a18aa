import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { takeLogins } from "./gate-rate.ts";

const start = 1_000_000;

describe("takeLogins", () => {
  test("a burst of a minute's logins passes at once, then one each 60/perMinute seconds", () => {
    const burst = takeLogins(0, start, { perMinute: 100, wanted: 1000 });
    expect([burst.granted, burst.wait]).toEqual([100, 600]);
    expect(takeLogins(burst.fullAt, start + 599, { perMinute: 100, wanted: 5 }).granted).toBe(0);
    const next = takeLogins(burst.fullAt, start + 600, { perMinute: 100, wanted: 5 });
    expect([next.granted, next.wait]).toEqual([1, 600]);
  });

  test("who is told to wait gets a login after exactly that", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(fc.nat(100), { maxLength: 20 }),
        (perMinute, takings) => {
          let now = start;
          let { fullAt, wait } = takeLogins(0, now, { perMinute, wanted: perMinute });
          for (const pause of takings) {
            expect(takeLogins(fullAt, now + wait * 0.99, { perMinute, wanted: 1 }).granted).toBe(0);
            now += wait;
            ({ fullAt, wait } = takeLogins(fullAt, now, { perMinute, wanted: 1 }));
            expect(wait).toBeGreaterThan(0);
            now += pause / 1000;
            wait -= pause / 1000;
          }
        },
      ),
    );
  });

  test("in no window more than the burst and what fills up in it, however it is asked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.array(fc.record({ pause: fc.nat(20_000), wanted: fc.nat(300) }), { maxLength: 60 }),
        (perMinute, asked) => {
          let now = start;
          let fullAt = 0;
          const granted: { at: number; count: number }[] = [];
          for (const { pause, wanted } of asked) {
            now += pause;
            const taken = takeLogins(fullAt, now, { perMinute, wanted });
            expect(taken.granted).toBeLessThanOrEqual(wanted);
            fullAt = taken.fullAt;
            granted.push({ at: now, count: taken.granted });
          }
          for (const [from, { at: since }] of granted.entries()) {
            let sum = 0;
            for (const { at, count } of granted.slice(from)) {
              sum += count;
              expect(sum).toBeLessThanOrEqual(perMinute + ((at - since) * perMinute) / 60_000 + 0.01);
            }
          }
        },
      ),
    );
  });

  test("where nothing is wanted nothing changes, and it is told for how long a login has been to be had", () => {
    expect(takeLogins(123, start, { perMinute: 100, wanted: 0 })).toMatchObject({ fullAt: 123, granted: 0 });
    const { fullAt } = takeLogins(0, start, { perMinute: 60, wanted: 60 });
    const later = [400, 1000, 1500].map(
      (ms) => takeLogins(fullAt, start + ms, { perMinute: 60, wanted: 0 }).wait,
    );
    expect(later).toEqual([600, 0, -500]);
  });

  test("a clock that was set back delays nobody for more than the usual wait", () => {
    const before = takeLogins(0, start + 3_600_000, { perMinute: 60, wanted: 60 });
    const first = takeLogins(before.fullAt, start, { perMinute: 60, wanted: 1 });
    expect([first.granted, first.wait]).toEqual([0, 1000]);
    expect(takeLogins(first.fullAt, start + 1000, { perMinute: 60, wanted: 1 }).granted).toBe(1);
  });
});
