// Makes the text of docs/reference/configuration.md from the schema in src/server/config/ and tools/config-notes.mjs.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "oxfmt";
import { configKeys, fileBacked, unavailableKeys, writeNumber } from "./config-keys.mjs";
import { defaultsInWords, notes } from "./config-notes.mjs";
import { isReloaded, partnerOf } from "./config-schema.mjs";

export const configDocumentPath = "docs/reference/configuration.md";

const style = JSON.parse(readFileSync(fileURLToPath(new URL("../.oxfmtrc.json", import.meta.url)), "utf8"));

/** Sections of the page in order; a key belongs to the longest prefix that it has. */
const sections = [
  ["", "Listeners and mount"],
  ["tls", "TLS of the public listener"],
  ["admin", "The private listener"],
  ["tenant", "Tenant"],
  ["tenants", "Several tenants"],
  ["identity", "Identity"],
  ["session", "Sessions"],
  ["policy", "Policy"],
  ["timeouts", "Time-outs"],
  ["limits", "Limits"],
  ["upstream", "Connections to the tenant"],
  ["unsafe", "For local work"],
];

const sectionOf = ({ path }) => sections.find(([name]) => name === path[0]) ?? sections[0];

const kinds = {
  text: "text",
  boolean: "`true`, `false`",
  integer: "number",
  duration: "duration",
  size: "size",
  list: "list",
  lines: "list",
};

function valueOf(key) {
  const choices = key.choices.map((choice) => `\`${choice}\``);
  const range =
    key.from === undefined ? "" : `, ${writeNumber(key, key.from)} to ${writeNumber(key, key.to)}`;
  if (choices.length === 0 || key.from !== undefined) choices.push(`${kinds[key.leaf]}${range}`);
  return choices.join(" or ");
}

function writeDefault(key, value) {
  if (Array.isArray(value)) return value.length === 0 ? "none" : `\`[${value.join(", ")}]\``;
  return `\`${key.from === undefined ? value : writeNumber(key, value)}\``;
}

function defaultOf(key) {
  const inWords = defaultsInWords[key.name];
  if (inWords !== undefined) return inWords;
  if (key.fallback !== undefined) return writeDefault(key, key.fallback);
  return key.optional && fileBacked.get(key.name)?.required !== true ? "none" : "**required**";
}

function nameCell({ name }) {
  const pair = fileBacked.get(name);
  if (pair === undefined) return `\`${name}\``;
  return `\`${name}\` or \`${pair.fileName}\`${pair.secret === false ? "" : " (secret)"}`;
}

const cell = (text) => text.replaceAll("|", "\\|");

const row = (cells) => `| ${cells.map(cell).join(" | ")} |`;

const keyRow = (key) =>
  row([nameCell(key), valueOf(key), defaultOf(key), isReloaded(key) ? "yes" : "", notes[key.name] ?? ""]);

const nameRow = ({ name, variable, flag }) => row([`\`${name}\``, `\`${variable}\``, `\`${flag}\``]);

function section([prefix, title]) {
  const keys = configKeys.filter((key) => sectionOf(key)[0] === prefix && partnerOf(key.name) === undefined);
  return `## ${title}

| Key | Value | Default | Reload | What it is |
| --- | --- | --- | --- | --- |
${keys.map(keyRow).join("\n")}
`;
}

/** Whether a note is of a part that a later version has. */
const isOfLater = (name) => unavailableKeys.some((part) => name.startsWith(`${part}.`));

/** What a reader would miss: keys without a note, notes without a key. */
export function configNoteProblems() {
  const names = new Set(
    configKeys.filter(({ name }) => partnerOf(name) === undefined).map(({ name }) => name),
  );
  return [
    ...[...names].filter((name) => notes[name] === undefined).map((name) => `no note for ${name}`),
    ...[...Object.keys(notes), ...Object.keys(defaultsInWords)]
      .filter((name) => !names.has(name) && !isOfLater(name))
      .map((name) => `a note for ${name}, which is not a key`),
  ].map((problem) => `tools/config-notes.mjs has ${problem}`);
}

/** The whole text of the document, as the formatter would leave it. */
export async function configDocument() {
  const text = `<!-- Written by tools/gen-config-doc.mjs from src/server/config/schema.ts and tools/config-notes.mjs: change it there. -->

# Configuration

\`qlik-session-proxy serve -c FILE\` reads YAML or JSON. \`validate -c FILE\` says everything that is wrong with a file at once,
each with its place and what would be right; a key that does not exist is an error, with the one that was probably meant.

- **Duration**: a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`, such as \`30s\`. **Size**: a number and \`B\`, \`KiB\`, \`MiB\` or \`GiB\`, such
  as \`1MiB\`. Bare numbers are refused: they do not say their unit.
- **Variables and flags**: each key is also a variable and a flag, [listed below](#variables-and-flags). Flags win over
  variables, variables over the file. Lists are written with commas, rules of \`policy\` with line breaks; both also as JSON.
- **Files**: \`…File\` names a file whose text is taken, without its last line break. A path in the configuration is relative to
  its folder, one in a variable or flag to the working directory. A secret is given once: twice is an error, and a file that
  every user can read is a warning.
- **Reload**: what \`SIGHUP\` takes without a restart is marked "yes".
- **Editors**: the package has a JSON Schema, \`qlik-session-proxy/config.schema.json\`. With the YAML language server, the
  first line of a file is \`# yaml-language-server: $schema=node_modules/qlik-session-proxy/dist/config.schema.json\`.

What is not available yet, such as edge mode before several tenants, is refused by name:
[the list](../decisions/0008-what-is-not-available-yet.md).

${sections.map(section).join("\n")}
## Variables and flags

\`N\` is the place in a list, from 0. A \`…File\` key has its own: \`QSP_SESSION_SECRET_FILE\`, \`--session.secret-file\`.

| Key | Variable | Flag |
| --- | --- | --- |
${configKeys.map(nameRow).join("\n")}
`;
  const { printWidth } = style;
  return (await format(configDocumentPath, text, { printWidth })).code;
}
