import { expect, test } from "vitest";
import { encodeClose } from "./close-frame.ts";
import { createFrameReader, readClose } from "./frame-reader.ts";

const textFrame = (text: string): Buffer => {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, payload.length])
      : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, payload]);
};

test.each(["", "short", "x".repeat(125), "x".repeat(126), "x".repeat(40_000)])(
  "a text of any length, however it is cut (%#)",
  (text) => {
    const reader = createFrameReader(65_536);
    const bytes = Buffer.concat([textFrame(text), textFrame("next")]);
    const frames = [...bytes].flatMap((byte) => reader.read(Buffer.from([byte])));
    expect(frames.map(({ payload }) => payload.toString())).toEqual([text, "next"]);
    expect(createFrameReader(65_536).read(bytes)).toHaveLength(2);
  },
);

test("a close frame's code and reason, and one without", () => {
  const [close] = createFrameReader(125).read(encodeClose(4204, '{"code":"QEP-104"}'));
  expect(close?.opcode).toBe(8);
  expect(readClose(close?.payload ?? Buffer.alloc(0))).toEqual({ code: 4204, reason: '{"code":"QEP-104"}' });
  expect(readClose(Buffer.alloc(0))).toEqual({ code: 1005, reason: "" });
});

test("a frame that is too long, and one that is masked, are refused", () => {
  const long = Buffer.alloc(10);
  long[0] = 0x81;
  long[1] = 127;
  long.writeBigUInt64BE(2n ** 62n, 2);
  expect(() => createFrameReader(65_536).read(long)).toThrow(RangeError);
  expect(() => createFrameReader(65_536).read(encodeClose(1000, "", Buffer.alloc(4)))).toThrow(RangeError);
});
