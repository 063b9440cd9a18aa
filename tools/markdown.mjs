// Reads what a Markdown file promises: its links, the files it names, its code blocks, its headings.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Folders whose Markdown is not ours to check. */
const skipped = new Set(["node_modules", "dist", ".git", "coverage", "test-results"]);

/** Every Markdown file below `root`, as paths relative to it. */
export function findMarkdown(root) {
  const found = [];
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !skipped.has(entry.name)) visit(path);
      else if (entry.isFile() && entry.name.endsWith(".md")) found.push(relative(root, path));
    }
  };
  visit(root);
  return found.toSorted((one, other) => one.localeCompare(other));
}

const fence = /^(`{3,})([^\n]*)\n(.*?)^\1$/gms;

/** Reads one file. `language` is the whole word or words after the fence: `ts`, or `ts not-yet`, which nothing checks. */
export function readMarkdown(path) {
  const text = readFileSync(path, "utf8");
  const prose = text.replaceAll(fence, "");
  return {
    lines: text.trimEnd().split("\n").length,
    blocks: [...text.matchAll(fence)].map(([, , language, code]) => ({ language, code })),
    links: [...prose.matchAll(/!?\[[^\]]*\]\(([^()\s]+)\)/g)].map((match) => match[1]),
    codeSpans: [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]),
    anchors: new Set([...prose.matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => anchorOf(match[1]))),
  };
}

/** The anchor that GitHub gives to a heading. */
function anchorOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}
