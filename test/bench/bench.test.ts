import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runTool, type ToolRun } from "../support/tool-command.ts";

/*
 * The bench as a user runs it, in its smallest form: that it measures, and that it measures nobody who does less than
 * the others. What the figures say is not looked at: the machine may be busy.
 */

/** Longer than any run takes on a busy machine. Milliseconds. */
const longest = 240_000;

/** Runs `npm run bench -- …` with the last build, which other tests are using too. */
const bench = (...args: readonly string[]): Promise<ToolRun> =>
  runTool("bench", ["--built", "--quick", "--rounds", "1", ...args]);

/** A row of a table of figures with a number in it. */
const measured = (contender: string): RegExp => new RegExp(`^\\| ${contender} +\\| +\\d+ \\|`, "m");

test(
  "measures ours beside nginx",
  async () => {
    const { status, said } = await bench("--only", "ours,nginx", "--loads", "200B");
    for (const upstream of ["plain", "TLS"]) {
      const [, table = ""] = said.split(`### 200 B, ${upstream} upstream`);
      expect(table).toMatch(measured("ours"));
      expect(table).toMatch(measured("nginx"));
    }
    expect(said).toMatch(/gates: .*0 of 2 loads failed.*\| reached/);
    expect(said).toMatch(/^\| 200B, plain .*× nginx/m);
    // What was not run is not passed over.
    expect(said).toMatch(/^\| 10KB, plain .*not measured/m);
    expect(status).toBe(0);
  },
  longest,
);

const peerFile = (name: string): string => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));

const runWithPeer = (name: string): Promise<ToolRun> =>
  bench("--only", "nginx", "--loads", "plain/200B", "--peer", peerFile(name));

const faults = [
  ["forgetful-proxy", "forgets to replace the cookie", "did not get exactly the cookie"],
  ["adding-proxy", "lets the browser's cookies through", "did not get exactly the cookie"],
  ["careless-proxy", "changes a bit of a body", "does not arrive byte for byte"],
] as const;

test.each(faults)(
  "%s, which %s, gets no number",
  async (name, _what, reason) => {
    const { status, said } = await runWithPeer(name);
    expect(said).toMatch(/^\| peer +\| +– \|/m);
    expect(said).toMatch(new RegExp(`peer gets no number: .*${reason}`));
    expect(said).toMatch(measured("nginx"));
    expect(status).toBe(1);
  },
  longest,
);

test(
  "the same proxy without a fault is measured",
  async () => {
    const { status, said } = await runWithPeer("sound-proxy");
    expect(said).toMatch(measured("peer"));
    expect(status).toBe(0);
  },
  longest,
);

test.each([
  [["--only", "ngnix"], "ngnix"],
  [["--loads", "20B"], "20B"],
  [["--rounds", "none"], "none"],
])("%s is refused", async (args, name) => {
  const { status, said } = await runTool("bench", args);
  expect(said).toContain(name);
  expect(status).toBe(2);
});
