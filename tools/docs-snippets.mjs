// A how-to shows nothing that was not tried: commands are run, scripts are read by Node, excerpts stand in the file that
// they name. What cannot be tried here says so after its language: ```sh not-run
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const isHowTo = ({ path }) => path.startsWith("docs/how-to/");

/** Languages that are tried, here or (yaml, ts) where configurations and programs are. */
const tried = new Set(["sh", "js", "yaml", "ts"]);

/** A block of commands that takes longer hangs. Seconds. */
const longest = 60;

const documentedCommand = fileURLToPath(new URL("documented-command.mjs", import.meta.url));

/** Puts the command on the path of the shell, by both names that documents use. */
function makeCommands(folder) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const scripts = { "qlik-session-proxy": "", npx: "shift\n" };
  for (const [name, first] of Object.entries(scripts)) {
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\n${first}exec "${process.execPath}" "${documentedCommand}" "$@"\n`,
    );
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

/** What a reader has on the disk by then: what was made before, and the configuration of the page. */
function makeReaderFolder(parent, { path, blocks }, made) {
  const folder = join(parent, path.replaceAll(/\W/g, "-"));
  mkdirSync(folder);
  spawnSync("cp", ["-a", ...made, folder]);
  const configuration = blocks.find(({ language }) => language === "yaml");
  if (configuration !== undefined) writeFileSync(join(folder, "proxy.yaml"), configuration.code);
  return folder;
}

function runShell(code, folder, bin) {
  const environment = Object.entries(process.env).filter(([name]) => !/^(?:QSP_|NODE_ENV$)/.test(name));
  // Ends what the shell has started, too.
  const limited = ["--kill-after=2", `${longest}`, "/bin/sh", "-euc", code];
  const { status, stdout, stderr } = spawnSync("timeout", limited, {
    cwd: folder,
    encoding: "utf8",
    env: { ...Object.fromEntries(environment), PATH: `${bin}:${process.env.PATH}` },
  });
  return status === 0
    ? []
    : [`a command fails (${status === 124 ? "it does not end" : status}):\n${code}${stdout}${stderr}`.trim()];
}

function parseScript(code, folder) {
  const file = join(folder, "script.mjs");
  writeFileSync(file, code);
  const { status, stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
  return status === 0 ? [] : [`a script is not JavaScript:\n${stderr.trim()}`];
}

/** Whether the lines of a block stand in a file one after the other, however far they are indented there. */
function checkExcerpt(root, name, code) {
  const file = join(root, name);
  if (!existsSync(file)) return [`an excerpt is of ${name}, which does not exist`];
  const plain = (text) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join("\n");
  return `\n${plain(readFileSync(file, "utf8"))}\n`.includes(`\n${plain(code)}\n`)
    ? []
    : [`an excerpt is not in ${name} any more:\n${code.trim()}`];
}

/** Tries each block of the how-tos; `made` are folders that a reader has made before: keys, secrets. */
export function checkSnippets(root, documents, { folder, made }) {
  const howTos = documents.filter(isHowTo);
  if (howTos.length === 0) return [];
  const bin = makeCommands(folder);
  return howTos.flatMap((document) => {
    const place = makeReaderFolder(folder, document, made);
    return document.blocks
      .flatMap(({ language, code }) => {
        const [name = "", how] = language.split(" ");
        if (how === "not-run") return [];
        if (how !== undefined) return checkExcerpt(root, how, code);
        if (name === "sh") return runShell(code, place, bin);
        if (name === "js") return parseScript(code, place);
        return tried.has(name) || name === "text"
          ? []
          : [`a block of ${name || "nothing"} is not tried: mark it, as in \`\`\`${name || "text"} not-run`];
      })
      .map((problem) => `${document.path}: ${problem}`);
  });
}
