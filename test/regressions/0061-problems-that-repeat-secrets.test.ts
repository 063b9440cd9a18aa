/*
 * A problem of the configuration repeated what was written, and a secret is written in a wrong place easily: the key itself
 * where the name of its file belongs, a password in an address, a token that YAML or JSON cannot read. It then stood in
 * the output of `validate` and in the log of a failed start. Two of these ended the command with a stack trace instead:
 * a long secret as the name of a file, and a token that begins with `*`.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../cli/command.ts";
import {
  type ConfigFolder,
  createConfigFolder,
  loaded,
  privateKeyPem,
  problemsOf,
  rightConfig,
} from "../config/config-folder.ts";
import { keyNames } from "../../src/server/config/names.ts";

/** The beginning alone is looked for, because a part of a secret is too much as well. */
const mark = "c4n4ry";
const canary = `${mark}-8c1f2a`;

let folder: ConfigFolder;
let file: string;
beforeAll(() => {
  folder = createConfigFolder();
  file = folder.write("right.yaml", rightConfig);
});
afterAll(() => folder.remove());

/** What a start with these variables would print: problems, or warnings where there are none. */
function said(environment: NodeJS.ProcessEnv): string {
  const problems = problemsOf({ file, environment });
  if (problems.length > 0) return problems.join("\n");
  return loaded({ file, environment })
    .warnings.map(({ path, message }) => `${path}: ${message}`)
    .join("\n");
}

/** Forms in which a secret lies in a clipboard. */
const forms: readonly (readonly [string, string])[] = [
  ["a plain text", canary],
  ["a text of 300 characters", canary.padEnd(300, "x")],
  ["a text with a NUL", `${canary}\0`],
  ["a private key", privateKeyPem.replace("MII", canary)],
  ["a private key in one line", privateKeyPem.replace("MII", canary).replaceAll("\n", "\\n")],
  ["an address with a password", `https://user:${canary}@*.example.com`],
  ["an address of another kind with a password", `ftp://user:${canary}@example.com`],
  ["the address of a store", `redis://user:${canary}@example.com:99999`],
  ["a list in JSON", `["${canary}"]`],
];

/** Rules and names of presets are repeated: they are written by hand, and are found by their words. */
const variables = keyNames
  .map(({ variable }) => variable.replaceAll("_N_", "_0_").replace(/_N$/, "_0"))
  .filter((variable) => !variable.includes("_POLICY_"));

describe("a secret in the place of another value is in no problem", () => {
  test.each(forms)("%s", (_name, text) => {
    const repeated = variables.filter((variable) => said({ [variable]: text }).includes(mark));
    expect(repeated).toEqual([]);
  });

  test("and the place is named, with what would be right", () => {
    const place = "tenant.signingKeys[0].privateKeyFile";
    const wrong = folder.write("wrong.yaml", rightConfig.replace("key.pem", canary));
    expect(problemsOf({ file: wrong })).toEqual([
      `${place}: names a file that does not exist, looked for in ${folder.path}`,
    ]);
    const long = folder.write("long.yaml", rightConfig.replace("key.pem", canary.repeat(30)));
    expect(problemsOf({ file: long })).toEqual([
      `${place}: names a file that cannot be read (ENAMETOOLONG), looked for in ${folder.path}`,
    ]);
    const key = JSON.stringify(privateKeyPem);
    const inline = folder.write("inline.yaml", rightConfig.replace("key.pem", key));
    expect(problemsOf({ file: inline })).toEqual([
      `${place}: holds a text in PEM; that belongs to privateKey`,
    ]);
  });
});

describe("a secret that the file cannot hold as it is written is in no problem", () => {
  const written = [
    `*${canary}`,
    `|${canary}`,
    `>${canary}`,
    `!${canary}`,
    `!!int ${canary}`,
    `!!binary ${canary}%`,
    `"${canary}\\q"`,
    `"${canary}`,
    `'a' ${canary}`,
    `a: ${canary}`,
    `@${canary}`,
    `%${canary}`,
    `[${canary}`,
    `{ ${canary}: b`,
    `\t${canary}`,
  ];

  test.each(written)("in YAML: %j", (text) => {
    const wrong = folder.write(
      "wrong.yaml",
      `${rightConfig}admin:\n  listen: 127.0.0.1:0\n  token: ${text}\n`,
    );
    expect(problemsOf({ file: wrong }).join("\n")).not.toContain(mark);
  });

  test("as a key that is an object in YAML", async () => {
    const wrong = folder.write("object.yaml", `${rightConfig}admin:\n  ? { a: ${canary} }\n`);
    const { code, stdout, stderr } = await runCommand(["validate", "-c", wrong]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).not.toContain(mark);
  });

  test.each([canary, `"${canary}`, `"${canary}" "b"`, `"\\q${canary}"`, `{"${canary}"}`])(
    "in JSON: %j",
    (text) => {
      const wrong = folder.write("wrong.json", `{\n  "admin": { "token": ${text} }\n}\n`);
      const problems = problemsOf({ file: wrong });
      expect(problems).toEqual([expect.stringMatching(/wrong\.json: is not JSON/)]);
      expect(problems.join("\n")).not.toContain(mark);
    },
  );
});

describe("a secret on the command line is not repeated", () => {
  const wrongKey = privateKeyPem.replace("MII", canary);

  test.each([
    ["a key after a flag", ["validate", "-c", "right.yaml", "--admin.token-file", wrongKey]],
    ["a key after a flag of another verb", ["sessions", "list", "--token-file", wrongKey]],
    ["a text that no flag stands before", ["validate", "-c", "right.yaml", canary]],
    ["an address with a password", ["sessions", "list", "--admin", `http://user:${canary}@127.0.0.1:1`]],
    ["a token in the place of its file", ["sessions", "list", "--token-file", canary]],
  ])("%s", async (_name, args) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect([code, stdout]).toEqual([expect.any(Number), ""]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(/^qlik-session-proxy: /);
    expect(stderr).not.toContain(mark);
  });
});
