import type { Random } from "../simulation/random.ts";
import { bytes, pause, type Step } from "./fuzz-case.ts";

/** Bytes that mean something to one parser or another. */
const telling = [
  0, 9, 10, 11, 13, 32, 34, 35, 37, 44, 46, 47, 58, 59, 61, 63, 92, 127, 128, 160, 255,
] as const;

/** Words that a random change of bytes would not find. */
const dictionary = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  "\r\n ",
  "\0",
  ": ",
  "Content-Length: 0\r\n",
  "Content-Length: 5\r\n",
  "content-length: +5\r\n",
  "Content-Length: 18446744073709551617\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: chunked, identity\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive, upgrade, cookie\r\n",
  "Upgrade: websocket\r\n",
  "Expect: 100-continue\r\n",
  "Set-Cookie: a=b; Path=/\r\n",
  "Set-Cookie: eas.sid=; Max-Age=0; Path=/\r\n",
  "Host: other.example\r\n",
  "Origin: null\r\n",
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "GET / HTTP/1.1\r\n\r\n",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "ffffffffffffffff\r\n",
  "%00",
  "%2e%2e/",
  "../",
  "//",
  "\x88\x00",
  "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
  "\xc1\x7e\xff\xff",
  "chunked",
  "gzip",
  '{"href":"',
  "\\u0000",
  "\u00e9",
] as const;

const numbers = [
  "0",
  "1",
  "-1",
  "99",
  "100",
  "304",
  "401",
  "65536",
  "4294967296",
  "9007199254740993",
] as const;

/** The most that a changed text may grow to, in bytes. */
const largest = 256 * 1024;

type Change = (from: Buffer, random: Random) => Buffer;

const joined = (...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));

/** Two places, in order, at most `most` apart. */
function range(from: Buffer, random: Random, most: number): readonly [number, number] {
  const start = random.below(from.length + 1);
  return [start, Math.min(from.length, start + random.below(most + 1))];
}

const changes: readonly [Change, ...Change[]] = [
  (from, random) => {
    const copy = Buffer.from(from);
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  (from, random) => {
    const copy = Buffer.from(from);
    copy[random.below(copy.length)] = random.chance(0.7) ? random.pick(telling) : random.below(256);
    return copy;
  },
  (from, random) => {
    const [start, stop] = range(from, random, 40);
    return joined(from.subarray(0, start), from.subarray(stop));
  },
  (from, random) => {
    const [start, stop] = range(from, random, 60);
    return joined(from.subarray(0, stop), from.subarray(start));
  },
  (from, random) => {
    const at = random.below(from.length + 1);
    return joined(from.subarray(0, at), random.pick(dictionary), from.subarray(at));
  },
  (from, random) => {
    const [start, stop] = range(from, random, 12);
    return joined(from.subarray(0, start), random.pick(dictionary), from.subarray(stop));
  },
  (from, random) => {
    const at = random.below(from.length + 1);
    const noise = Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256)));
    return joined(from.subarray(0, at), noise, from.subarray(at));
  },
  (from, random) => from.subarray(0, random.below(from.length + 1)),
  (from, random) => {
    const [start, stop] = range(from, random, 30);
    const piece = from.subarray(start, stop);
    return joined(
      from.subarray(0, stop),
      ...Array.from({ length: random.below(200) }, () => piece),
      from.subarray(stop),
    );
  },
  (from, random) => {
    const places = [...from.toString("latin1").matchAll(/\d+/g)];
    const place = places[random.below(places.length)];
    if (place === undefined) return from;
    return joined(
      from.subarray(0, place.index),
      random.pick(numbers),
      from.subarray(place.index + place[0].length),
    );
  },
  (from, random) => {
    const places = [...from.toString("latin1").matchAll(/\r\n/g)];
    const place = places[random.below(places.length)];
    if (place === undefined) return from;
    return joined(
      from.subarray(0, place.index),
      random.pick(["\n", "\r", "\r\r\n", " \r\n"]),
      from.subarray(place.index + 2),
    );
  },
  // Lines change places: order must not matter where it has no meaning.
  (from, random) => {
    const lines = from.toString("latin1").split("\r\n");
    const [a, b] = [random.below(lines.length), random.below(lines.length)];
    [lines[a], lines[b]] = [lines[b] ?? "", lines[a] ?? ""];
    return Buffer.from(lines.join("\r\n"), "latin1");
  },
];

/** Changes bytes in `count` places. */
export function mutate(from: Buffer, random: Random, count: number): Buffer {
  let changed = from;
  for (let step = 0; step < count; step += 1) {
    const next =
      changed.length === 0 ? joined(random.pick(dictionary)) : random.pick(changes)(changed, random);
    if (next.length <= largest) changed = next;
  }
  return changed;
}

/** Cuts bytes into pieces that are sent one after the other. */
export function split(whole: Buffer, random: Random): Step[] {
  if (random.chance(0.5) || whole.length < 2) return [bytes(whole)];
  const cuts = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(whole.length - 1));
  const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
  const steps: Step[] = [];
  for (let at = 0; at + 1 < places.length; at += 1) {
    if (at > 0) steps.push(pause(random.chance(0.05) ? 40 + random.below(80) : random.below(4)));
    steps.push(bytes(whole.subarray(places[at], places[at + 1])));
  }
  return steps;
}
