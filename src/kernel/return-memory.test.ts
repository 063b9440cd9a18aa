import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { goesStraightOut, isAnsweredStraight, isHeardOnce, returnMemory } from "./return-memory.ts";

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

/** A socket that hands on what it is given, as a test or a function of a cloud may have one. */
class Memory extends Socket {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

const patched = (member: "write" | "_write" | "_writev"): Socket =>
  Object.assign(new Socket(), { [member]: () => true });

test("only node's own sockets let nobody look at what is written to them", () => {
  const own = [new Socket(), new TLSSocket(new Socket())];
  expect(own.map(goesStraightOut)).toEqual([true, true]);
  const others = [
    ...(["write", "_write", "_writev"] as const).map(patched),
    new Memory(),
    new PassThrough(),
    null,
  ];
  expect(others.map(goesStraightOut)).toEqual(others.map(() => false));
});

test.each([
  ["sockets", Socket.prototype, () => goesStraightOut(new Socket())],
  ["responses", ServerResponse.prototype, () => isAnsweredStraight(answer())],
])("who patches all %s is noticed", (_what, prototype, isStraight) => {
  expect(isStraight()).toBe(true);
  const write = (): boolean => true;
  Object.assign(prototype, { write });
  try {
    expect(isStraight()).toBe(false);
  } finally {
    delete (prototype as Partial<typeof prototype>).write;
  }
});

function answer(socket: Socket | null = new Socket()): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  if (socket) response.assignSocket(socket);
  return response;
}

test("an answer whose connection is another's as yet is not straight", () => {
  expect(isAnsweredStraight(answer(null))).toBe(false);
});

test("a second reader of a socket is noticed, whichever way it reads", () => {
  const ear = (): void => {};
  const one = new Socket().on("data", ear);
  const piped = new Socket().on("data", ear);
  piped.pipe(new PassThrough());
  const [two, reading] = [
    new Socket().on("data", ear).on("data", () => {}),
    new Socket().on("data", ear).on("readable", ear),
  ];
  const sockets = [one, piped, two, reading, new Memory().on("data", ear), new PassThrough()];
  expect(sockets.map(isHeardOnce)).toEqual([true, false, false, false, false, false]);
});
