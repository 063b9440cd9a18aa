import { expect, test } from "vitest";
import { runTool } from "../support/tool-command.ts";
import { attack } from "./attack-command.ts";

/*
 * The suite as a user runs it: the built proxy holds, and would not without what makes it hold.
 */

/** Longer than any run takes on a busy machine. Milliseconds. */
const longest = 240_000;

test(
  "no attack gets past the built proxy",
  async () => {
    const { status, said } = await attack();
    process.stdout.write(`[figure] attacks: ${said.trim().split("\n").at(-1) ?? ""}\n`);
    expect(said).toMatch(/: \d{3} held, 0 fell, 0 not applicable\s*$/);
    expect(status).toBe(0);
  },
  longest,
);

/** What an upstream does to a proxy: framing, odd answers, mixed up users. The rest is the same with every client. */
const fromUpstream = "M,H7,H8,H9,X";

test(
  "no attack by way of the upstream gets past undici either",
  async () => {
    const { status, said } = await runTool("attack", ["--built", "--only", fromUpstream], {
      QSP_UPSTREAM_CLIENT: "undici",
    });
    process.stdout.write(`[figure] attacks, undici: ${said.trim().split("\n").at(-1) ?? ""}\n`);
    expect(said).toMatch(/: \d{2} held, 0 fell, 0 not applicable\s*$/);
    expect(status).toBe(0);
  },
  longest,
);

test(
  "every planted hole is found",
  async () => {
    const { status, said } = await attack("--holes");
    process.stdout.write(`[figure] planted holes: ${said.trim().split("\n").at(-1) ?? ""}\n`);
    const [, planted, found] = /(\d+) holes, (\d+) found\s*$/.exec(said) ?? [];
    expect(found).toBe(planted);
    expect(Number(planted)).toBeGreaterThanOrEqual(5);
    expect(status).toBe(0);
  },
  longest,
);

test("what cannot be attacked is said, not passed", async () => {
  const { status, said } = await attack("--target", "http://127.0.0.1:9", "--upstream", "127.0.0.1:0");
  expect(said).not.toBe("");
  expect(status).toBe(2);
});
