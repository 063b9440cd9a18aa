import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import * as ws from "ws";
import { describe, expect, test } from "vitest";
import { createFrameTracker } from "./frame-boundary.ts";

/** The part of the package that its types leave out. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (
    options: object,
  ) => NodeJS.WritableStream & { readonly _bufferedBytes: number; readonly _state: number };
  Sender: { frame(data: Buffer, options: object): Buffer[] };
};

/** The state of a receiver that waits for the first byte of a frame. */
const GET_INFO = 0;

/** The receiver of ws, and where it stands after each chunk. */
function startReceiver(isServer: boolean) {
  const receiver = new Receiver({ isServer, maxPayload: 0, skipUTF8Validation: true });
  let isOver = false;
  // After a Close it reads no further, so it says nothing of the rest.
  receiver.on("error", () => (isOver = true));
  receiver.on("conclude", () => (isOver = true));
  return {
    isOver: () => isOver,
    // It unmasks in place.
    take: (chunk: Buffer): void => void receiver.write(Buffer.from(chunk)),
    isAtBoundary: (): boolean => receiver._bufferedBytes === 0 && receiver._state === GET_INFO,
  };
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Message {
  readonly opcode: 1 | 2;
  /** Lengths of its fragments. */
  readonly parts: readonly number[];
  /** A control frame before each fragment but the first, or none. */
  readonly between: 0 | 9 | 10;
}

const length = fc.oneof(
  fc.nat(20),
  fc.constantFrom(124, 125, 126, 127, 128, 300),
  fc.constantFrom(65_535, 65_536),
);
const message: fc.Arbitrary<Message> = fc.record({
  opcode: fc.constantFrom(1, 2),
  parts: fc.array(length, { minLength: 1, maxLength: 4 }),
  between: fc.constantFrom(0, 9, 10),
});

/** The frames of messages as ws sends them, fragmented, with control frames in between. */
function framesOf(messages: readonly Message[], mask: boolean): Buffer[] {
  const frame = (opcode: number, size: number, fin: boolean): Buffer =>
    Buffer.concat(Sender.frame(Buffer.alloc(size, 0x61), { opcode, fin, mask, rsv1: false, readOnly: true }));
  return messages.flatMap(({ opcode, parts, between }) =>
    parts.flatMap((size, index) => [
      ...(between === 0 || index === 0 ? [] : [frame(between, 3, true)]),
      frame(index === 0 ? opcode : 0, size, index === parts.length - 1),
    ]),
  );
}

/** Cuts bytes into chunks of the given sizes, again and again. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((some) => [...some, 4000]);

test("a stream of whole messages is at a boundary exactly where the receiver of ws is, however it is cut", () => {
  let boundaries = 0;
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), sizes, fc.boolean(), (messages, some, masked) => {
      const frames = framesOf(messages, masked);
      const tracker = createFrameTracker({ masked });
      const receiver = startReceiver(masked);
      const ours: boolean[] = [];
      const theirs: boolean[] = [];
      for (const chunk of cut(Buffer.concat(frames), some)) {
        tracker.push(chunk);
        receiver.take(chunk);
        ours.push(tracker.atBoundary);
        theirs.push(receiver.isAtBoundary());
      }
      expect(ours).toEqual(theirs);
      expect([receiver.isOver(), tracker.broken]).toEqual([false, false]);
      boundaries += ours.filter(Boolean).length;
    }),
    { numRuns: 150 },
  );
  expect(boundaries).toBeGreaterThan(50);
});

describe("bytes of any kind", () => {
  const header = fc.tuple(
    fc.constantFrom(0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8a, 0xc1, 0x83, 0x09, 0x8b),
    fc.constantFrom(0, 1, 3, 125, 126, 127, 0x80, 0x83, 0xfd, 0xfe, 0xff),
  );
  const bytes = fc
    .array(fc.oneof(header, fc.tuple(fc.nat(255), fc.nat(3)), fc.constant([0, 0, 0, 0, 0, 0, 0, 2])), {
      maxLength: 12,
    })
    .map((parts) => Buffer.from(parts.flat()));
  const short = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 });

  test("are never thrown at, and mean the same in one piece and in many", () => {
    fc.assert(
      fc.property(bytes, short, fc.boolean(), (all, some, masked) => {
        const whole = createFrameTracker({ masked });
        const pieces = createFrameTracker({ masked });
        whole.push(all);
        for (const chunk of cut(all, some)) pieces.push(chunk);
        for (const key of ["atBoundary", "broken", "closeSeen", "dataFrames"] as const) {
          expect([key, pieces[key]]).toEqual([key, whole[key]]);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("have their next boundary where it is foretold, and none before", () => {
    let foretold = 0;
    fc.assert(
      fc.property(bytes, short, fc.boolean(), (all, some, masked) => {
        const tracker = createFrameTracker({ masked });
        for (const chunk of cut(all, some)) {
          const next = tracker.nextBoundary(chunk);
          const reached = [
            tracker.atBoundary,
            ...Array.from(chunk, (byte) => (tracker.push(Buffer.of(byte)), tracker.atBoundary)),
          ];
          expect(next).toBe(reached.indexOf(true));
          if (next > 0) foretold += 1;
        }
      }),
      { numRuns: 1500 },
    );
    expect(foretold).toBeGreaterThan(100);
  });

  test("are at a boundary where the receiver of ws is, as long as it takes them", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(bytes, short, fc.boolean(), async (all, some, masked) => {
        const tracker = createFrameTracker({ masked });
        const receiver = startReceiver(masked);
        for (const chunk of cut(all, some)) {
          receiver.take(chunk);
          tracker.push(chunk);
          await immediate();
          if (receiver.isOver()) return;
          taken += 1;
          expect([tracker.broken, tracker.atBoundary]).toEqual([false, receiver.isAtBoundary()]);
        }
      }),
      { numRuns: 1000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test.each([
    ["in a frame of a gigabyte", Buffer.of(0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0)],
    ["behind a header that is none", Buffer.of(0x83, 0)],
    ["of many empty frames", Buffer.of(0x81, 0)],
  ])("are not kept %s", async (_where, first) => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const tracker = createFrameTracker({ masked: false });
    const passed: WeakRef<Buffer>[] = [];
    tracker.push(first);
    for (let n = 0; n < 64; n += 1) {
      const chunk = Buffer.alloc(1000);
      passed.push(new WeakRef(chunk));
      tracker.nextBoundary(chunk);
      tracker.push(chunk);
    }
    // What a reference has been made to lives at least as long as the turn in which it was made.
    await immediate();
    collect();
    expect(passed.filter((each) => each.deref() !== undefined).length).toBeLessThan(5);
    expect(tracker.nextBoundary(Buffer.alloc(4))).toBeLessThan(1);
  });
});
