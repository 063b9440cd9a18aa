import fc from "fast-check";
import * as ws from "ws";
import { describe, expect, test } from "vitest";
import { encodeClose } from "./close-frame.ts";

/** The part of the package that its types leave out. */
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => NodeJS.WritableStream;
};

/** How the package reads a frame: code and reason, or the error. */
const read = (frame: Buffer, isServer: boolean): Promise<[number, string]> =>
  new Promise((resolve, reject) => {
    const receiver = new Receiver({ isServer });
    receiver.on("conclude", (code: number, reason: Buffer) => resolve([code, reason.toString()]));
    receiver.on("error", reject);
    receiver.write(frame);
  });

describe("encodeClose", () => {
  test("makes the frame of RFC 6455 §5.5.1", () => {
    expect(encodeClose(4203, "x").toString("hex")).toBe("8803106b78");
    expect(encodeClose(1000, "").toString("hex")).toBe("880203e8");
    expect(encodeClose(1000, "", Buffer.from("01020304", "hex")).toString("hex")).toBe("88820102030402ea");
  });

  test("is read back by ws, masked and not, any reason", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3000, max: 4999 }),
        fc.string({ unit: "grapheme", maxLength: 60 }),
        fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 })),
        async (code, reason, mask) => {
          const frame = encodeClose(code, reason, mask === null ? undefined : Buffer.from(mask));
          const [readCode, readReason] = await read(frame, mask !== null);
          expect(readCode).toBe(code);
          expect(Buffer.from(reason).toString().startsWith(readReason)).toBe(true);
          expect(frame.length).toBeLessThanOrEqual(mask === null ? 127 : 131);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ["a".repeat(123), 123],
    ["a".repeat(124), 123],
    [`${"a".repeat(122)}\u00e9`, 122],
    [`${"a".repeat(121)}\u00e9x`, 123],
    ["\u{1f600}".repeat(40), 120],
    [`a${"\u20ac".repeat(60)}`, 121],
  ])("cuts %s to %d bytes, between characters", (reason, length) => {
    const text = encodeClose(4003, reason).subarray(4);
    expect(text).toHaveLength(length);
    expect(reason.startsWith(text.toString())).toBe(true);
    expect(text.toString()).not.toContain("\ufffd");
  });
});
