import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { repository, writeTree, type Files } from "./fixture-tree.ts";

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the tree's own copy of tools/test.mjs. */
async function runTests(files: Files, path = process.env["PATH"]): Promise<Ended> {
  const folder = await writeTree({
    "package.json": JSON.stringify({ name: "a-package", type: "module" }),
    "vitest.config.ts": await readFile(join(repository, "vitest.config.ts"), "utf8"),
    "tools/test.mjs": await readFile(join(repository, "tools/test.mjs"), "utf8"),
    "tools/debian-packages.mjs": await readFile(join(repository, "tools/debian-packages.mjs"), "utf8"),
    ...files,
  });
  // The run inside must not take itself for a worker of the run outside.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
  const child = spawn(process.execPath, ["tools/test.mjs", "--quick"], {
    cwd: folder,
    env: { ...env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const read = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
  };
  const ended = new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  const [stdout, stderr, status] = await Promise.all([read(child.stdout), read(child.stderr), ended]);
  return { status, stdout, stderr };
}

const lastLine = ({ stdout }: Ended): string | undefined => stdout.trimEnd().split("\n").at(-1);

const passing = 'import { expect, test } from "vitest";\ntest("one", () => expect(1).toBe(1));\n';

describe("tools/test.mjs", () => {
  test("ends with the counts, and well, when everything passes", async () => {
    const ended = await runTests({ "test/a.test.ts": passing, "test/b.test.ts": passing });
    expect(lastLine(ended)).toBe("2 passed, 0 failed");
    expect(ended.status).toBe(0);
  });

  const failures: readonly (readonly [what: string, text: string, line: string])[] = [
    [
      "a failing test",
      'import { expect, test } from "vitest";\ntest("two", () => expect(1).toBe(2));\n',
      "1 passed, 1 failed",
    ],
    ["a file that does not load", 'import "./nowhere.ts";\n', "1 passed, 1 failed"],
    [
      "a hook that throws after the tests",
      `${passing}import { afterAll } from "vitest";\nafterAll(() => {\n  throw new Error("late");\n});\n`,
      "2 passed, 1 failed",
    ],
    [
      "a test that is switched off",
      'import { test } from "vitest";\ntest.skip("two");\n',
      "1 passed, 1 failed",
    ],
    [
      "a promise that nobody caught",
      `${passing}void Promise.reject(new Error("lost"));\n`,
      "2 passed, 1 failed",
    ],
    ["a process that dies", "process.kill(process.pid, 9);\n", "0 passed, 1 failed"],
  ];

  test.each(failures)("counts %s as a failure", async (_what, text, line) => {
    const ended = await runTests({ "test/a.test.ts": passing, "test/b.test.ts": text });
    expect(lastLine(ended)).toBe(line);
    expect(ended.status).toBe(1);
  });

  test("names the system packages that are missing, and does not go on without them", async () => {
    const empty = await mkdtemp(join(tmpdir(), "qlik-session-proxy-path-"));
    onTestFinished(() => rm(empty, { recursive: true, force: true }));
    const ended = await runTests({ "test/a.test.ts": passing }, empty);
    expect(ended.stderr).toContain("apt-get install -y --no-install-recommends chromium");
    expect(ended.stdout).toBe("0 passed, 1 failed\n");
    expect(ended.status).toBe(1);
  });
});
