import { randomBytes, randomInt } from "node:crypto";

/** Makes a lower-case hexadecimal id of `length` characters, an even number. */
export function randomHex(length: number): string {
  return randomBytes(length / 2).toString("hex");
}

/** Makes a URL-safe id of `length` characters, a multiple of 4. */
export function randomUrlSafe(length: number): string {
  return randomBytes((length / 4) * 3).toString("base64url");
}

/** Makes a trace id as the tenant's error bodies carry it: 32 hexadecimal characters (facts §7). */
export function newTraceId(): string {
  return randomHex(32);
}

/** Returns the same values in a random order. */
export function shuffled<T>(values: readonly T[]): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
