// Looks up every `facts §2.2` in the source and the tests among the headings of docs/facts/qlik-cloud.md.
// `node tools/check-facts.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const document = "docs/facts/qlik-cloud.md";

/** A citation names one section or several: `facts §2.2`, `facts §3 and §4`, `facts §5.1, §5.2`. */
const citation = /\bfacts\s+(§\d+(?:\.\d+)*(?:\s*(?:,|and|or|to|–|-)\s*§\d+(?:\.\d+)*)*)/gi;

/** Joins a sentence that a comment breaks over two lines. */
const unwrap = (text) => text.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, " ");

function sectionsCited(text) {
  return [...unwrap(text).matchAll(citation)].flatMap((match) => match[1].match(/\d+(?:\.\d+)*/g));
}

function checkFacts(root) {
  const facts = readFileSync(join(root, document), "utf8");
  const headings = new Set([...facts.matchAll(/^#{2,4}\s+(\d+(?:\.\d+)*)\.?\s/gm)].map((match) => match[1]));
  const files = ["src", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:ts|mjs|html|css)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  return files.flatMap((file) =>
    sectionsCited(readFileSync(file, "utf8"))
      .filter((section) => !headings.has(section))
      .map(
        (section) => `${relative(root, file)} cites facts §${section}, which is not a heading of ${document}`,
      ),
  );
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const problems = checkFacts(root);
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
