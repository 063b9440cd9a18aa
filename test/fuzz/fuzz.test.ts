import { describe, expect, test } from "vitest";
import { runTool } from "../support/tool-command.ts";

/*
 * The short form of `npm run fuzz -- --minutes 60`, always with the same seed, and what shows that it can find something.
 */

/** Longer than any run takes on a busy machine. Milliseconds. */
const longest = 240_000;

test(
  "odd bytes on both sockets leave the built server as it was",
  async () => {
    const { status, said } = await runTool("fuzz", ["--minutes", "0.2", "--seed", "4"]);
    process.stdout.write(`${said.trim().split("\n").at(-1) ?? ""}\n`);
    expect(said).toMatch(
      /alive yes, unhandled rejections 0, uncaught exceptions 0, sockets at start 0, sockets at end 0,.* findings 0\s*$/,
    );
    expect(status).toBe(0);
  },
  longest,
);

test(
  "odd bytes of the tenant leave it so with undici too",
  async () => {
    const args = ["--minutes", "0.1", "--seed", "4", "--side", "upstream", "--client", "undici"];
    const { status, said } = await runTool("fuzz", args);
    process.stdout.write(`${said.trim().split("\n").at(-1) ?? ""}\n`);
    expect(said).toMatch(
      /client undici,.* alive yes, unhandled rejections 0, uncaught exceptions 0, sockets at start 0, sockets at end 0,.* findings 0\s*$/,
    );
    expect(status).toBe(0);
  },
  longest,
);

describe("what is planted in the process is found", () => {
  test.each([
    ["rejection", "0.05", /found: an unhandled rejection/],
    ["exception", "0.05", /found: an uncaught exception/],
    ["leak", "0.05", /found: connections are left open/],
    ["hoard", "0.5", /found: memory grows/],
  ])(
    "%s",
    async (plant, minutes, found) => {
      const args = ["--minutes", minutes, "--seed", "4", "--side", "downstream", "--plant", plant];
      const { status, said } = await runTool("fuzz", args);
      expect(said).toMatch(found);
      expect(status).toBe(1);
    },
    longest,
  );
});
