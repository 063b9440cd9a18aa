import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { findByFlag } from "../../src/server/config/names.ts";
import type { Verb } from "../../src/cli/verb.ts";

const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  doctor: async () => (await import("../../src/cli/doctor/doctor.ts")).doctor,
  emulate: async () => (await import("../../src/cli/emulate.ts")).emulate,
  explain: async () => (await import("../../src/cli/explain.ts")).explain,
  health: async () => (await import("../../src/cli/health.ts")).health,
  init: async () => (await import("../../src/cli/init/init.ts")).init,
  keygen: async () => (await import("../../src/cli/keygen.ts")).keygen,
  serve: async () => (await import("../../src/cli/serve.ts")).serve,
  sessions: async () => (await import("../../src/cli/sessions.ts")).sessions,
  validate: async () => (await import("../../src/cli/validate.ts")).validate,
};

const root = new URL("../../", import.meta.url);
const pages = [
  "README.md",
  ...["how-to", "reference"].flatMap((folder) =>
    readdirSync(new URL(`docs/${folder}/`, root)).map((name) => `docs/${folder}/${name}`),
  ),
];

/** Every command of ours in the shell blocks of a page, without the words before its verb. */
const commandsOf = (page: string): readonly string[] =>
  [...readFileSync(new URL(page, root), "utf8").matchAll(/^```sh(?: not-run)?\n([^]*?)^```/gm)]
    .flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split("\n"))
    .flatMap((line) => /(?:^|npx |\$\()qlik-session-proxy (.*)/.exec(line)?.[1] ?? []);

test("the documents have commands", () => {
  expect(pages.flatMap(commandsOf).length).toBeGreaterThan(10);
});

test.each(pages.flatMap((page) => commandsOf(page).map((command) => [page, command] as const)))(
  "%s: %s has a verb and flags that there are",
  async (_page, command) => {
    const [name = "", ...words] = command.split(/\s+/);
    const verb = await verbs[name]?.();
    expect(verb, `the verb ${name}`).toBeDefined();
    const flags = words.filter((word) => word.startsWith("--")).map((word) => word.split("=", 1)[0] ?? "");
    const unknown = flags.filter(
      (flag) => verb?.help.includes(flag) !== true && findByFlag(flag.slice(2)) === null,
    );
    expect(unknown).toEqual([]);
  },
);
