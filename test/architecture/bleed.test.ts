import { describe, expect, test } from "vitest";
import { runScript, writeTree, type Files, type Outcome } from "./fixture-tree.ts";

const sound: Files = {
  "src/index.ts": 'export { door } from "./proxy/door.ts";\n',
  "src/server.ts": 'import "pino";\nimport "yaml";\nexport { door } from "./proxy/door.ts";\n',
  "src/fastify.ts": 'export { door } from "./proxy/door.ts";\n',
  "src/fetch.ts": 'export { door } from "./proxy/door.ts";\n',
  "src/redis.ts": 'export { store } from "./store/store.ts";\n',
  "src/store/store.ts": 'import { randomBytes } from "node:crypto";\nexport const store = randomBytes;\n',
  "src/errors.ts": "export class Broken extends Error {}\n",
  "src/browser.ts": 'export { watch } from "./browser/watch.ts";\n',
  "src/browser/watch.ts": "export const watch = (): void => {};\n",
  "src/proxy/door.ts":
    'import type { WebSocket } from "ws";\nimport { request } from "undici";\nexport const door = (_: WebSocket) => request;\n',
  "src/emulator/tenant.ts": 'export { WebSocketServer } from "ws";\n',
};

async function checkDoors(changes: Files): Promise<Outcome> {
  return runScript("tools/check-bleed.mjs", [await writeTree({ ...sound, ...changes })]);
}

describe("tools/check-bleed.mjs", () => {
  test("finds no test tool behind the doors of this package", async () => {
    expect(await runScript("tools/check-bleed.mjs")).toEqual({ status: 0, output: "" });
  });

  test("lets types and what is behind other doors pass", async () => {
    expect(await checkDoors({})).toEqual({ status: 0, output: "" });
  });

  const bleeds: readonly (readonly [what: string, changes: Files, problem: string])[] = [
    [
      "the local tenant behind the library's door, two files away",
      {
        "src/proxy/door.ts": 'export { door } from "./far.ts";\n',
        "src/proxy/far.ts": 'export { WebSocketServer as door } from "../emulator/tenant.ts";\n',
      },
      "src/index.ts reaches src/emulator/tenant.ts, through src/proxy/far.ts",
    ],
    [
      "what is for tests behind the library's door",
      {
        "src/proxy/door.ts": 'export { door } from "../testing/people.ts";\n',
        "src/testing/people.ts": "export const door = 1;\n",
      },
      "src/index.ts reaches src/testing/people.ts, through src/proxy/door.ts",
    ],
    [
      "the local tenant behind the server's door, by a call",
      {
        "src/server.ts": 'export const late = (): Promise<unknown> => import("./emulator/tenant.ts");\n',
      },
      "src/server.ts reaches src/emulator/tenant.ts",
    ],
    [
      "a package of the local tenant",
      { "src/proxy/door.ts": 'export { WebSocket as door } from "ws";\n' },
      "src/index.ts reaches ws, through src/proxy/door.ts",
    ],
    [
      "the server's logger behind the library's door",
      { "src/proxy/door.ts": 'export { pino as door } from "pino";\n' },
      "src/index.ts reaches pino",
    ],
    [
      "a client library behind the shared store's door",
      { "src/store/store.ts": 'export const store = (): Promise<unknown> => import("ioredis");\n' },
      "src/redis.ts reaches ioredis, through src/store/store.ts",
    ],
    [
      "any import behind the errors' door",
      { "src/errors.ts": 'export { inspect } from "node:util";\n' },
      "src/errors.ts reaches node:util",
    ],
    [
      "code of the server in a page",
      { "src/browser/watch.ts": 'export { door as watch } from "../proxy/door.ts";\n' },
      "src/browser.ts reaches src/proxy/door.ts, through src/browser/watch.ts",
    ],
  ];

  test.each(bleeds)("reports %s", async (_what, changes, problem) => {
    const { status, output } = await checkDoors(changes);
    expect(output).toContain(problem);
    expect(status).toBe(1);
  });

  test("reports a door that is missing", async () => {
    const folder = await writeTree({
      "src/index.ts": "export {};\n",
      "src/redis.ts": "export {};\n",
      "src/errors.ts": "export {};\n",
      "src/browser.ts": "export {};\n",
      "src/fastify.ts": "export {};\n",
      "src/fetch.ts": "export {};\n",
    });
    expect(await runScript("tools/check-bleed.mjs", [folder])).toEqual({
      status: 1,
      output: "src/server.ts does not exist\n",
    });
  });
});
