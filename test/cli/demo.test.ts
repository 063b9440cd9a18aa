import { afterEach, describe, expect, test } from "vitest";
import { send } from "../support/raw-client.ts";
import { freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

const running: RunningCommand[] = [];
afterEach(async () => {
  for (const command of running.splice(0)) await command.kill();
});

const demo = async (...flags: readonly string[]): Promise<RunningCommand> => {
  const command = startCommand(["demo", ...flags]);
  running.push(command);
  await command.line((line) => line === "ready");
  return command;
};

describe("demo", () => {
  test("prints one URL per line, the portal's first, then ready; ends with 0", async () => {
    const port = await freePort();
    const command = await demo("--port", String(port));
    expect(command.lines.at(-1)).toBe("ready");
    const urls = command.lines.slice(0, -1);
    for (const url of urls) expect(URL.canParse(url)).toBe(true);
    expect(urls[0]).toBe(`http://portal.localhost:${port}/`);
    expect(urls[1]).toMatch(/^https:\/\/acme\.localhost:\d+$/);
    const page = await send({ origin: new URL(urls[0] ?? "").origin, path: "/" });
    expect(page.status).toBeLessThan(400);
    command.signal("SIGINT");
    expect(await command.ended).toBe(0);
  });

  test("names the portal as others can reach it, where the address is one for others", async () => {
    const command = await demo("--host", "127.0.0.2");
    expect(command.lines[0]).toMatch(/^http:\/\/127\.0\.0\.2:\d+\/$/);
  });

  test("says when the port is taken", async () => {
    const port = await freePort();
    await demo("--port", String(port));
    const { code, stdout, stderr } = await runCommand(["demo", "--port", String(port)]);
    expect(stderr).toContain(`127.0.0.1:${port} is already in use`);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});
