import { expect, test } from "vitest";
import type { Identity } from "./identity.ts";
import { createWhoamiMemory } from "./whoami-memory.ts";

function memory(): { readonly clock: { at: number }; readonly kept: ReturnType<typeof createWhoamiMemory> } {
  const clock = { at: 1000, now: (): number => clock.at, setTimer: () => () => {} };
  return { clock, kept: createWhoamiMemory({ clock, cacheFor: 10_000 }) };
}

const never = Number.NEGATIVE_INFINITY;
const ann: Identity = { subject: "ann" };
const named = async (): Promise<Identity | null> => ann;
const nobody = async (): Promise<Identity | null> => null;
const unasked = (): never => {
  throw new Error("asked");
};

test("an answer holds for its time, one that names nobody for a second", async () => {
  const { clock, kept } = memory();
  await kept.recall("a", never, named);
  await kept.recall("b", never, nobody);
  clock.at += 999;
  expect([kept.recall("a", never, unasked), kept.recall("b", never, unasked)]).toEqual([ann, null]);
  clock.at += 1;
  expect(() => kept.recall("b", never, unasked)).toThrow("asked");
  clock.at += 8999;
  expect(kept.recall("a", never, unasked)).toBe(ann);
  clock.at += 1;
  expect(() => kept.recall("a", never, unasked)).toThrow("asked");
});

test("a word from after some moment is neither remembered nor under way from before it", async () => {
  const { clock, kept } = memory();
  let questions = 0;
  let answer = (_identity: Identity | null): void => {};
  const ask = (): Promise<Identity | null> => {
    questions += 1;
    return new Promise((resolve) => (answer = resolve));
  };
  const old = kept.recall("a", never, ask);
  const answerOld = answer;
  clock.at += 10;
  const newer = kept.recall("a", 1005, ask);
  expect(kept.recall("a", 1005, unasked)).toBe(newer);
  expect([questions, kept.underway]).toEqual([2, 2]);
  answer(null);
  expect(await newer).toBeNull();
  answerOld(ann);
  expect(await old).toBe(ann);
  // The answer to the earlier question came later, and is the older one.
  expect(kept.recall("a", never, unasked)).toBeNull();
  expect(kept.underway).toBe(0);
});

test("a question that failed leaves nothing behind", async () => {
  const { kept } = memory();
  const failed = kept.recall("a", never, () => Promise.reject(new Error("down")));
  await expect(failed).rejects.toThrow("down");
  expect(kept.underway).toBe(0);
  expect(await kept.recall("a", never, named)).toBe(ann);
});

test("people are not pushed out by made-up cookies, and the oldest give way to newer ones", async () => {
  const { kept } = memory();
  for (let each = 0; each < 10_000; each += 1) await kept.recall(`user ${each}`, never, named);
  for (let each = 0; each < 3000; each += 1) await kept.recall(`made up ${each}`, never, nobody);
  expect(kept.recall("user 0", never, unasked)).toBe(ann);
  expect(() => kept.recall("made up 0", never, unasked)).toThrow("asked");
  await kept.recall("user 10000", never, named);
  expect(() => kept.recall("user 0", never, unasked)).toThrow("asked");
  expect(kept.recall("user 1", never, unasked)).toBe(ann);
});
