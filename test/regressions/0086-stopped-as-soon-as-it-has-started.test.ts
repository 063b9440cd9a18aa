// The log said "server.started" before the server listened for signals: a supervisor that stopped it on that line ended it
// without a drain, by the signal. Between the line and the listener lay what Node does in a tick, a few milliseconds on a
// busy machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, rightConfig } from "../config/config-folder.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
});
afterAll(() => folder.remove());

/** Starts a server and stops it in the moment in which its line is there. */
async function stopAtOnce(file: string): Promise<unknown> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:QSP_|NODE_ENV$)/.test(name)),
  );
  const child = spawn(process.execPath, [main, "serve", "-c", file], { env });
  let log = "";
  child.stdout.on("data", (text) => {
    const before = log;
    log += String(text);
    if (log.includes('"server.started"') && !before.includes('"server.started"')) child.kill("SIGTERM");
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, drained: log.includes('"server.draining"') };
}

test("a server that is stopped as soon as it says that it has started drains", async () => {
  const file = folder.write(
    "config.yaml",
    `${rightConfig}listen: 127.0.0.1:0\ntimeouts: { drainDelay: 0s }\n`,
  );
  for (let attempt = 0; attempt < 2; attempt += 1)
    expect(await stopAtOnce(file)).toEqual({ code: 0, signal: null, drained: true });
});
