import fc from "fast-check";
import * as ws from "ws";
import { describe, expect, test } from "vitest";
import { createFrameTracker, type FrameTracker } from "./frame-boundary.ts";

interface FrameOptions {
  fin: boolean;
  opcode: number;
  mask: boolean;
  rsv1: boolean;
  readOnly: boolean;
}

/** The part of the package that its types leave out. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => NodeJS.WritableStream;
  Sender: { frame(data: Buffer, options: FrameOptions): Buffer[] };
};

const frameOf = (opcode: number, length: number, mask: boolean, fin = true): Buffer =>
  Buffer.concat(Sender.frame(Buffer.alloc(length, 0x88), { fin, opcode, mask, rsv1: false, readOnly: true }));

const tracked = (bytes: Buffer, masked = false): FrameTracker => {
  const tracker = createFrameTracker({ masked });
  tracker.push(bytes);
  return tracker;
};

/** Header bytes of a frame with a 64-bit length. */
const huge = (high: number, low: number): Buffer => {
  const header = Buffer.alloc(10);
  header.writeUInt16BE(0x827f);
  header.writeUInt32BE(high, 2);
  header.writeUInt32BE(low, 6);
  return header;
};

describe("createFrameTracker", () => {
  test("is at a boundary before the first byte", () => {
    const tracker = createFrameTracker({ masked: false });
    expect([tracker.atBoundary, tracker.nextBoundary(Buffer.from([0x81]))]).toEqual([true, 0]);
  });

  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
    "follows a frame of %d bytes byte by byte",
    (length) => {
      for (const masked of [true, false]) {
        const frame = frameOf(2, length, masked);
        const tracker = createFrameTracker({ masked });
        const wrong: number[] = [];
        for (let at = 0; at < frame.length; at += 1) {
          const rest = frame.subarray(at);
          const found = [tracker.nextBoundary(rest), tracker.nextBoundary(rest.subarray(0, -1))].join();
          if (found !== (at === 0 ? "0,0" : `${rest.length},-1`)) wrong.push(at);
          tracker.push(frame.subarray(at, at + 1));
          if (tracker.atBoundary !== (at === frame.length - 1)) wrong.push(at);
        }
        expect(wrong).toEqual([]);
      }
    },
  );

  test("sees a Close frame from its first two bytes on, not one inside a payload", () => {
    expect(tracked(frameOf(2, 10, false)).closeSeen).toBe(false);
    expect(tracked(Buffer.from([0x88])).closeSeen).toBe(false);
    const tracker = tracked(Buffer.from([0x88, 0x02]));
    expect([tracker.closeSeen, tracker.atBoundary, tracker.dataFrames]).toEqual([true, false, 0]);
  });

  test("counts frames of data, not control frames", () => {
    const bytes = [
      frameOf(1, 3, true, false),
      frameOf(9, 0, true),
      frameOf(0, 3, true),
      frameOf(10, 4, true),
    ];
    expect(tracked(Buffer.concat(bytes), true).dataFrames).toBe(2);
  });

  test.each([
    ["a reserved data opcode", Buffer.from([0x83, 0x00])],
    ["a reserved control opcode", Buffer.from([0x8b, 0x00])],
    ["the last opcode", Buffer.from([0x8f, 0x00])],
    ["a fragmented ping", Buffer.from([0x09, 0x00])],
    ["a ping of 126 bytes", Buffer.from([0x89, 126, 0, 126])],
    ["a control frame of 16 MB", Buffer.from([0x88, 127, 0, 0, 0, 0, 1, 0, 0, 0])],
    ["a length with bit 63", huge(0x8000_0000, 5)],
    ["a length of all ones", huge(0xffff_ffff, 0xffff_ffff)],
    ["a length beyond counting", huge(0x7fff_ffff, 0xffff_ffff)],
    ["a mask from the tenant", frameOf(1, 3, true)],
  ])("breaks at %s, once and for all", (_what, bytes) => {
    const tracker = createFrameTracker({ masked: false });
    for (const byte of bytes) tracker.push(Buffer.from([byte]));
    expect([tracker.broken, tracker.atBoundary]).toEqual([true, false]);
    tracker.push(frameOf(1, 3, false));
    expect([tracker.broken, tracker.atBoundary, tracker.nextBoundary(Buffer.alloc(9))]).toEqual([
      true,
      false,
      -1,
    ]);
    expect(tracked(bytes).broken).toBe(true);
  });

  test("breaks at a frame from the browser without a mask", () => {
    expect(tracked(frameOf(1, 3, false), true).broken).toBe(true);
  });

  test("lets reserved bits pass: deflate uses one", () => {
    expect(tracked(Buffer.from([0xc1, 0x01, 0x00])).atBoundary).toBe(true);
  });

  test("counts a frame of 4 TB without holding it", () => {
    const tracker = tracked(huge(1024, 0));
    tracker.push(Buffer.alloc(1 << 20));
    expect([tracker.broken, tracker.atBoundary]).toEqual([false, false]);
  });

  test("finds no boundary in a chunk whose header turns out wrong", () => {
    const tracker = tracked(Buffer.from([0x89]));
    expect(tracker.nextBoundary(Buffer.from([126, 0, 126]))).toBe(-1);
    expect(tracked(huge(0x8000_0000, 5).subarray(0, 4)).nextBoundary(Buffer.alloc(20))).toBe(-1);
  });
});

describe("beside ws", () => {
  const shape = fc.record({
    opcode: fc.constantFrom(1, 2, 0, 9, 10, 8),
    length: fc.oneof(fc.nat(10), fc.constantFrom(124, 125, 126, 127, 128, 65_535, 65_536), fc.nat(300)),
    fin: fc.boolean(),
    rsv1: fc.boolean(),
  });
  const stream = fc.array(shape, { minLength: 1, maxLength: 12 });
  const cuts = fc
    .array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 400 })), {
      minLength: 1,
      maxLength: 8,
    })
    .map((lengths) => [...lengths, 9000]);

  test("knows every boundary of the frames that ws makes, whatever the chunks", () => {
    fc.assert(
      fc.property(stream, cuts, fc.boolean(), (shapes, lengths, masked) => {
        const frames = shapes.map(({ opcode, length, fin, rsv1 }) => {
          const control = opcode >= 8;
          return Buffer.concat(
            Sender.frame(Buffer.alloc(control ? Math.min(length, 125) : length, 0x88), {
              opcode,
              fin: fin || control,
              rsv1: rsv1 && !control,
              mask: masked,
              readOnly: true,
            }),
          );
        });
        const bytes = Buffer.concat(frames);
        const boundaries = new Set([0]);
        let end = 0;
        for (const frame of frames) boundaries.add((end += frame.length));
        const tracker = createFrameTracker({ masked });
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const chunk = bytes.subarray(at, at + (lengths[turn % lengths.length] as number));
          const next = [...boundaries].find((boundary) => boundary >= at && boundary <= at + chunk.length);
          expect(tracker.nextBoundary(chunk)).toBe(next === undefined ? -1 : next - at);
          tracker.push(chunk);
          at += chunk.length;
          expect(tracker.atBoundary).toBe(boundaries.has(at));
        }
        expect(tracker.broken).toBe(false);
        expect(tracker.dataFrames).toBe(shapes.filter(({ opcode }) => opcode < 8).length);
        expect(tracker.closeSeen).toBe(shapes.some(({ opcode }) => opcode === 8));
      }),
      { numRuns: 300 },
    );
  });

  test("never breaks at bytes that ws takes", async () => {
    let taken = 0;
    const header = fc.tuple(
      fc.constantFrom(0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x83, 0x09, 0x88, 0xc1),
      fc.constantFrom(0, 1, 2, 3, 125, 126, 127, 0x80),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(header, fc.tuple(fc.nat(255), fc.nat(3))), { maxLength: 6 }),
        async (pairs) => {
          const bytes = Buffer.from(pairs.flat());
          const receiver = new Receiver({ isServer: false });
          let refused = false;
          // After a Close it reads no further, so it says nothing about the rest.
          receiver.on("error", () => (refused = true));
          receiver.on("conclude", () => (refused = true));
          receiver.write(bytes);
          await new Promise((resolve) => setImmediate(resolve));
          if (!refused) taken += 1;
          fc.pre(!refused);
          expect(tracked(bytes).broken).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(20);
  });
});
