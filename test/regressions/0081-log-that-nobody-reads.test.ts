/*
 * Lines for a reader of standard output that had stalled were kept without a bound, until the memory was used up. The end of
 * the process tried for ever to write them out: a server that had drained stayed until it was killed.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const log = new URL("../../dist/server/log.js", import.meta.url).href;

/** What does as `serve` does with its log, and writes `megabytes` before it waits for the word to end. */
const program = (megabytes: number): string => `
import { createServerLog } from ${JSON.stringify(log)};
process.stdout.on("error", () => {});
const log = createServerLog();
const event = { event: "server.started", reason: "x".repeat(1000) };
for (let count = 0; count < ${megabytes * 1000}; count += 1) log.write(event);
process.send("written");
process.once("message", () => {
  log.write({ event: "server.stopped" });
  setTimeout(() => {
    log.close();
    process.exit(0);
  }, 50);
});
`;

type Writer = ChildProcessByStdio<null, Readable, Readable>;

/** How it ends, and what it complains of. */
async function endOf(child: Writer): Promise<unknown> {
  const complaints = text(child.stderr);
  child.send("end");
  const [code, signal] = (await once(child, "exit")) as readonly unknown[];
  return { code, signal, complaints: await complaints };
}

const inPeace = { code: 0, signal: null, complaints: "" };

/** Starts it with a pipe that is not read. */
async function startWriter(megabytes: number): Promise<Writer> {
  const options = ["--input-type=module", "-e", program(megabytes)];
  const child = spawn(process.execPath, options, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  }) as unknown as Writer;
  started.keep({ close: () => child.kill("SIGKILL") });
  await once(child, "message");
  return child;
}

test("what is dropped is counted, and told when somebody reads again", async () => {
  const written = 18_000;
  const child = await startWriter(written / 1000);
  let read = 0;
  const told = await new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      if (line.includes('"log.dropped"')) resolve(line);
      else read += 1;
    });
  });
  expect(read).toBeLessThan(written);
  expect(JSON.parse(told)).toMatchObject({
    level: "warn",
    event: "log.dropped",
    reason: `${written - read} lines, which nobody read`,
  });
  expect(await endOf(child)).toEqual(inPeace);
});

test.each([
  ["does not read", () => {}],
  ["has gone away", (child: Writer) => child.stdout.destroy()],
])("a process whose reader %s ends all the same", async (_what, leave) => {
  const child = await startWriter(1);
  leave(child);
  expect(await endOf(child)).toEqual(inPeace);
});
