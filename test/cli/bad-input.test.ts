import { connect } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, rightConfig } from "../config/config-folder.ts";
import { freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

let folder: ConfigFolder;
let port: number;
let taken: RunningCommand;
let takenAddress: string;

beforeAll(async () => {
  folder = createConfigFolder();
  port = await freePort();
  taken = startCommand(["emulate", "--plain-http"]);
  await taken.line((line) => line === "ready");
  takenAddress = `127.0.0.1:${new URL(taken.lines[0] ?? "").port}`;
  await runCommand(["keygen", "--alg", "ES384", "--out", folder.path]);
});
afterAll(async () => {
  await taken.kill();
  folder.remove();
});

/** Whether something listens where the server would. */
async function isListening(): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isThere = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "close").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isThere;
}

const change = (from: string | RegExp, to: string) => (): string => rightConfig.replace(from, to);

/** What an operator can get wrong, and what serve and validate say of it. */
const mistakes: readonly (readonly [what: string, config: () => string, message: RegExp])[] = [
  ["a mistyped key", change("publicOrigin", "publicOrign"), /publicOrign: .*publicOrigin/],
  ["a mistake in YAML", change("identity:", "identity: ["), /is not YAML: line \d+, column \d+/],
  ["a key file that is not there", change("key.pem", "kay.pem"), /privateKeyFile: .*does not exist/],
  ["a key file that cannot be read", change("key.pem", "."), /privateKeyFile: .*is a directory/],
  [
    "a certificate of another key",
    change("key.pem }", "key.pem, certificateFile: certificate.pem }"),
    /certificateFile: does not belong to the private key/,
  ],
  [
    "a certificate in the place of the key",
    change("key.pem", "certificate.pem"),
    /is a certificate; the private key/,
  ],
  [
    "a number without a unit",
    () => `${rightConfig}session: { idleTimeout: 20 }\n`,
    /idleTimeout: is a bare number/,
  ],
  [
    "a private address that is taken",
    () => `${rightConfig}admin: { listen: "${takenAddress}" }\n`,
    /is already in use/,
  ],
];

describe("a mistake is told, and nothing is started", () => {
  test.each(mistakes)("%s", async (_what, config, message) => {
    const file = folder.write("config.yaml", `listen: 127.0.0.1:${port}\n${config()}`);
    const { code, stdout, stderr } = await runCommand(["serve", "-c", file]);
    expect(`${stderr}${stdout}`).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect([code, await isListening()]).toEqual([1, false]);
  });

  test("doctor says the same of the file, and of the address", async () => {
    const wrong = folder.write("wrong.yaml", rightConfig.replace("identity:", "identity: ["));
    expect((await runCommand(["doctor", "-c", wrong])).stdout).toMatch(
      /FAILED {2}configuration .*is not YAML: line/,
    );
    const file = folder.write("right.yaml", `${rightConfig}admin: { listen: "${takenAddress}" }\n`);
    const { stdout } = await runCommand(["doctor", "-c", file, "--tenant.origin", "https://acme.invalid"]);
    expect(stdout).toMatch(/FAILED {2}listeners +admin\.listen: .*is already in use/);
  });
});
