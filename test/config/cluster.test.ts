import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qsp-cluster-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a worker of node:cluster with the memory store is warned, its primary is not", async () => {
  const outfile = join(folder, "cluster-main.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("cluster-main.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
  const [primary, worker] = stdout.split("\n");
  expect(primary).toBe("primary []");
  expect(worker).toMatch(/^worker \[.*this process is a worker of node:cluster, but the memory store/);
});
