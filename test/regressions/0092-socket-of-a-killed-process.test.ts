/*
 * A process that is killed leaves the file of its unix socket behind, and the next one on the same path was told that the
 * address is in use, until somebody deleted the file: a restart by systemd could not help itself. A socket that nobody
 * listens on is taken away; one that somebody listens on, and a file of another kind, stay.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createListener, listen, ListenError } from "../../src/server/listener.ts";
import { closeNow } from "../../src/server/standalone.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "qsp-socket-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the socket of a process that was killed is taken over", async () => {
  const path = join(folder, "dead.sock");
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", program]);
  expect(existsSync(path)).toBe(true);
  const server = createListener(undefined);
  await listen(server, { path });
  await closeNow(server);
});

test("the socket of a process that lives, and a file that is no socket, are not", async () => {
  const path = join(folder, "live.sock");
  const first = createListener(undefined);
  await listen(first, { path });
  const second = createListener(undefined);
  await expect(listen(second, { path })).rejects.toThrow(ListenError);
  expect(existsSync(path)).toBe(true);
  await closeNow(first);
  const file = join(folder, "notes.txt");
  await writeFile(file, "mine");
  await expect(listen(createListener(undefined), { path: file })).rejects.toThrow(ListenError);
  expect(await readFile(file, "utf8")).toBe("mine");
});
