import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../cli/command.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";

const page = readFileSync(new URL("../../docs/reference/explain.md", import.meta.url), "utf8");
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** Each command of the page that has an output below it. */
const examples = [
  ...page.matchAll(/```sh\nnpx qlik-session-proxy (explain .*)\n```\n\n```text\n([^`]*)```/g),
].map(([, command = "", output = ""]): [string, string] => [command, output]);

let folder: ConfigFolder;
let file: string;
beforeAll(async () => {
  folder = createConfigFolder();
  await runCommand(["keygen", "--out", join(folder.path, "keys"), "--alg", "ES384"]);
  const [, configuration = ""] = /```yaml\n(# proxy\.yaml\n[^`]*)```/.exec(readme) ?? [];
  file = folder.write("proxy.yaml", configuration);
});
afterAll(() => folder.remove());

test("the page has its three examples", () => {
  expect(examples).toHaveLength(3);
});

test.each(examples)("the output of %s is what the page shows", async (command, output) => {
  const args = command.replace("-c proxy.yaml", "").replaceAll('"', "").split(/\s+/);
  const { stdout } = await runCommand([...args, "-c", file]);
  expect(stdout).toBe(output);
});
