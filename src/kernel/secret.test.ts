import { format, inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Secret } from "./secret.ts";

describe("Secret", () => {
  const canary = "canary-7f3a";
  const secret = new Secret(canary);

  test("gives its text to the one who asks for it", () => {
    expect(secret.reveal()).toBe(canary);
  });

  test("shows nothing in any printed form", () => {
    const error = new Error("refused", { cause: { secret, list: [secret] } });
    const printed = [
      String(secret),
      [secret].join(),
      "" + secret.toString(),
      JSON.stringify({ secret }),
      JSON.stringify(secret),
      inspect(secret, { showHidden: true, depth: null }),
      inspect(error, { showHidden: true, depth: null }),
      format("%s %o %O %j", secret, secret, secret, secret),
      JSON.stringify(Object.entries(secret)),
      JSON.stringify(Object.assign({}, secret)),
      inspect(structuredClone(secret)),
    ];
    for (const text of printed) expect(text).not.toContain(canary);
  });
});
