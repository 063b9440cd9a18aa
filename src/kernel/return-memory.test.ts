import { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { goesStraightOut, returnMemory } from "./return-memory.ts";

const kibi = 1024;
const long = 64 * kibi;

describe("memory is returned", () => {
  test("of a long piece that is all there is in it", () => {
    const piece = Buffer.from(new ArrayBuffer(long));
    returnMemory(piece);
    expect(piece.length).toBe(0);
    expect(piece.buffer.byteLength).toBe(0);
  });

  test("before the next piece, so that none gathers", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 2000; count += 1) {
      returnMemory(Buffer.from(new ArrayBuffer(long)));
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * kibi);
    }
  });

  test("once: a piece that is empty is left as it is", () => {
    const piece = Buffer.from(new ArrayBuffer(long));
    returnMemory(piece);
    returnMemory(piece);
    expect(piece.length).toBe(0);
  });
});

describe("a piece is left alone", () => {
  test.each([
    ["that begins later than its memory", Buffer.from(new ArrayBuffer(long), 1)],
    ["that ends earlier than its memory", Buffer.from(new ArrayBuffer(long), 0, long - 1)],
    ["that is short", Buffer.from(new ArrayBuffer(kibi))],
    ["that lies in the memory of many", Buffer.from("x".repeat(100))],
  ])("%s", (_what, piece) => {
    const { length } = piece;
    returnMemory(piece);
    expect(piece.length).toBe(length);
    expect(piece.buffer.byteLength).toBeGreaterThanOrEqual(length);
  });
});

test("only node's own sockets let nobody look at what is written to them", () => {
  const patched = new Socket();
  patched.write = () => true;
  const streams = [new Socket(), new TLSSocket(new Socket()), patched, new PassThrough(), null];
  expect(streams.map(goesStraightOut)).toEqual([true, true, false, false, false]);
});
