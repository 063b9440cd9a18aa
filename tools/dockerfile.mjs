// Reads a Dockerfile into its stages and instructions: as much of the format as ours uses, and refuses the rest.
import { readFileSync } from "node:fs";

/** Instructions that ours uses; every other one is refused, so that nothing is overlooked. */
const known = new Set([
  "ARG",
  "FROM",
  "WORKDIR",
  "COPY",
  "RUN",
  "ENV",
  "USER",
  "EXPOSE",
  "HEALTHCHECK",
  "STOPSIGNAL",
  "ENTRYPOINT",
  "CMD",
]);

/** The instructions with their line numbers; comments are gone, continued lines are one. */
function instructionsOf(text) {
  const instructions = [];
  let open = null;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*#/.test(line) || (open === null && line.trim() === "")) continue;
    const continued = line.endsWith("\\");
    const part = (continued ? line.slice(0, -1) : line).trim();
    open = open === null ? { line: index + 1, text: part } : { ...open, text: `${open.text} ${part}` };
    if (continued) continue;
    const [, name, rest] = /^([A-Z]+)\s+(.+)$/.exec(open.text) ?? [];
    if (!known.has(name))
      throw new Error(`line ${open.line} is not an instruction that is known: ${open.text}`);
    instructions.push({ name, rest, line: open.line });
    open = null;
  }
  return instructions;
}

const substitute = (text, values) => text.replaceAll(/\$\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** The words of the form ["…", "…"]; null for a form that a shell reads. */
export function execForm(text) {
  if (!text.startsWith("[")) return null;
  return JSON.parse(text);
}

/** What a COPY says: from which stage, which files, to where. */
export function readCopy(rest) {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith("--"));
  const paths = words.filter((word) => !word.startsWith("--"));
  const from = flags.map((flag) => /^--from=(.+)$/.exec(flag)?.[1]).find((name) => name !== undefined);
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) };
}

/** What a HEALTHCHECK says: its options, and the command. */
export function readHealthCheck(rest) {
  const [, options, command] = /^(.*?)\s*CMD\s+(.+)$/.exec(rest) ?? [];
  const pairs = [...(options ?? "").matchAll(/--([\w-]+)=(\S+)/g)].map(([, name, value]) => [name, value]);
  return { options: Object.fromEntries(pairs), command: execForm(command ?? "") };
}

/** Reads the stages of a Dockerfile, the last of which becomes the image. */
export function readDockerfile(path) {
  const values = {};
  const stages = [];
  for (const instruction of instructionsOf(readFileSync(path, "utf8"))) {
    const { name, rest } = instruction;
    if (name === "ARG") {
      const [key, value = ""] = rest.split("=");
      values[key] = value;
    } else if (name === "FROM") {
      const [base, , alias] = substitute(rest, values).split(/\s+/);
      stages.push({ base, alias, instructions: [] });
    } else {
      if (stages.length === 0) throw new Error(`line ${instruction.line} stands before FROM`);
      stages.at(-1).instructions.push({ ...instruction, rest: substitute(rest, values) });
    }
  }
  return stages;
}

/** What the last instruction of a name says in a stage; undefined without one. */
export const lastOf = (stage, name) => stage.instructions.findLast((each) => each.name === name)?.rest;
