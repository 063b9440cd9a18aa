import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runTool, type ToolRun } from "../support/tool-command.ts";
import { bench, cellOf, longest, measured } from "./bench-command.ts";

/*
 * The bench as a user runs it, in its smallest form: that it measures, and that it measures nobody who does less than
 * the others. What the figures say is not looked at: the machine may be busy.
 */

test(
  "measures ours, and what is left of it without its features, beside nginx",
  async () => {
    const { status, said } = await bench("--only", "ours,bare,nginx", "--loads", "200B");
    for (const upstream of ["plain", "TLS"]) {
      const [, table = ""] = said.split(`### 200 B, ${upstream} upstream`);
      for (const name of ["ours", "bare", "nginx"]) expect(table).toMatch(measured(name));
    }
    expect(said).toMatch(/gates: .*0 of 2 loads failed.*\| reached/);
    expect(said).toMatch(/^\| 200B, plain .*× nginx/m);
    // What was not run is not passed over.
    expect(said).toMatch(/^\| 10KB, plain .*not measured/m);
    expect(status).toBe(0);
  },
  longest,
);

test(
  "tries HTTP/2 on one connection for each person",
  async () => {
    const { status, said } = await bench("--trial", "http2", "--pages", "2000");
    for (const [way, connections] of [
      ["undici, HTTP/1.1", 6],
      ["own, HTTP/1.1", 6],
      ["node:http2", 1],
      ["undici, HTTP/2", 1],
    ] as const) {
      expect(Number(cellOf(said, way, "CPU µs a request"))).toBeGreaterThan(0);
      // Hardly anyone of so many comes twice in so short a time.
      const opened = Number(cellOf(said, way, "opened a page"));
      expect(opened).toBeGreaterThan(connections * 0.5);
      expect(opened).toBeLessThanOrEqual(connections);
    }
    expect(status).toBe(0);
  },
  longest,
);

test(
  "tells where the time of a request goes",
  async () => {
    const { status, said } = await bench("--trial", "profile", "--quick");
    const shares = ["Node's JavaScript", "src/proxy/http", "writing to sockets and files"].map((part) =>
      Number(cellOf(said, part, "200B")),
    );
    for (const share of shares) expect(share).toBeGreaterThan(0);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(100);
    expect(status).toBe(0);
  },
  longest,
);

test(
  "tells what edge mode costs beside a plain nginx",
  async () => {
    const { status, said } = await bench("--trial", "edge", "--quick", "--rounds", "1");
    for (const answer of ["200 B", "10 KB", "1 MB"])
      expect(Number(cellOf(said, answer, "edge / plain"))).toBeGreaterThan(0);
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
  [["--pages", "0"], "--pages 0"],
  [["--trial", "http3"], "http3"],
])("%s is refused", async (args, name) => {
  const { status, said } = await runTool("bench", args);
  expect(said).toContain(name);
  expect(status).toBe(2);
});
