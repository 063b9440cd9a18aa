/*
 * The suite shows that it can find something: on a proxy of a few lines, which a described target is like any other.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../cli/command.ts";
import { attack } from "./attack-command.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Starts the bad proxy in front of the address at which the suite will listen. */
async function startBadProxy(upstream: string): Promise<string> {
  const script = fileURLToPath(new URL("./bad-proxy.mjs", import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, UPSTREAM: upstream },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const closed = once(child, "close");
  stops.push(() => {
    child.kill("SIGKILL");
    return closed;
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return `http://127.0.0.1:${line.toString().trim()}`;
}

/** What a proxy of this kind would say of itself. */
const claims = "users,jar,site-guard,policy,answers,headers,handshake";

/** How its operator describes it. */
const description = [
  ["--user", "X-User: ann"],
  ["--other-user", "X-User: bob"],
  ["--read-path", "/read"],
  ["--write-path", "/write"],
  ["--denied-path", "/denied"],
  ["--socket-path", "/socket"],
  ["--claims", claims],
].flat();

/** What the suite says of the bad proxy: the outcome of each attack. */
async function attackBadProxy(ids: readonly string[]) {
  const upstream = `127.0.0.1:${await freePort()}`;
  const target = await startBadProxy(upstream);
  const { status, said } = await attack(
    "--target",
    target,
    "--upstream",
    upstream,
    ...description,
    "--json",
    "--only",
    ids.join(),
  );
  const { results } = JSON.parse(said) as { results: { id: string; outcome: string; seen?: string }[] };
  return { status, results };
}

const falls = [
  ["W", "W1-foreign-origin", "W3-no-identity", "W8-tunnel-behind-refusal", "W9-false-answers"],
  ["C", "C1-forms", "C5-sub-resources", "C8-foreign-credential"],
  ["P", "P2-dot-segments", "P8-trace", "P9-denied-routes"],
  ["H", "H1-forwarding-headers", "H3-connection-names", "H4-own-cookies", "H7-cookies", "H9-acting-headers"],
  ["M", "M1-chunks-of-delete", "M1-chunks-of-get", "M1-framing-in-connection"],
  ["A", "A9-exempt-callers"],
] as const;

/** What node's own server sees to, even in front of a bad proxy. */
const holds = ["M2-length-and-chunks", "M2-bare-lf", "X1-pipelined-users"];

test("a bad proxy falls in every group, and only where it is bad", async () => {
  const { status, results } = await attackBadProxy([...falls.flatMap(([, ...ids]) => ids), ...holds]);
  const outcomes = (outcome: string): string[] =>
    results.filter((each) => each.outcome === outcome).map(({ id }) => id);
  expect(outcomes("held").toSorted()).toEqual(holds.toSorted());
  expect(outcomes("fell").toSorted()).toEqual(falls.flatMap(([, ...ids]) => ids).toSorted());
  expect(results.filter((each) => each.outcome === "fell" && !each.seen)).toEqual([]);
  expect(status).toBe(1);
}, 90_000);

test("a proxy that one answer ends is said to be gone", async () => {
  const { status, results } = await attackBadProxy(["H8-odd-statuses"]);
  expect(results).toMatchObject([
    { outcome: "fell", seen: expect.stringContaining("cannot be reached") as string },
  ]);
  expect(status).toBe(1);
}, 90_000);
