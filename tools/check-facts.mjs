// Looks up every `facts §2.2`, `rules R5` and `attacks H7` of the source and the tests in the documents.
// `node tools/check-facts.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * What can be cited. A citation names one section or several: `facts §2.2`, `facts §3 and §4`, `rules R1, R5`.
 * `section` picks the single ones out of it, `heading` the sections that the document has.
 */
const works = [
  {
    name: "facts",
    document: "docs/facts/qlik-cloud.md",
    citation: /\bfacts\s+(§\d+(?:\.\d+)*(?:\s*(?:,|and|or|to|–|-)\s*§\d+(?:\.\d+)*)*)/gi,
    section: /§\d+(?:\.\d+)*/g,
    heading: /^#{2,4}\s+(?<number>\d+(?:\.\d+)*)\.?\s/gm,
    mark: "§",
  },
  {
    name: "rules",
    document: "docs/explain/rules.md",
    citation: /\brules?\s+(R\d+(?:\s*(?:,|and|or|to|–|-)\s*R\d+)*)/g,
    section: /R\d+/g,
    heading: /^##\s+R(?<number>\d+)\s/gm,
    mark: "R",
  },
  {
    name: "attacks",
    document: "docs/explain/attacks.md",
    citation: /\battacks?\s+([A-Z]\d+(?:\s*(?:,|and|or|to|–|-)\s*[A-Z]\d+)*)/g,
    section: /[A-Z]\d+/g,
    heading: /^- \*\*(?<number>[A-Z]\d+)\*\*\s/gm,
    mark: "",
  },
];

/** Joins a sentence that a comment breaks over two lines. */
const unwrap = (text) => text.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, " ");

function sectionsCited(text, { citation, section }) {
  return [...unwrap(text).matchAll(citation)].flatMap((match) => match[1].match(section));
}

function sectionsThere(root, { document, heading, mark }) {
  const text = existsSync(join(root, document)) ? readFileSync(join(root, document), "utf8") : "";
  return new Set([...text.matchAll(heading)].map(({ groups }) => `${mark}${groups.number}`));
}

function findSources(root) {
  return ["src", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:ts|mjs|html|css)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
}

function checkCitations(root) {
  const texts = findSources(root).map((file) => [relative(root, file), readFileSync(file, "utf8")]);
  return works.flatMap((work) => {
    const there = sectionsThere(root, work);
    return texts.flatMap(([path, text]) =>
      sectionsCited(text, work)
        .filter((section) => !there.has(section))
        .map((section) => `${path} cites ${work.name} ${section}, which is not in ${work.document}`),
    );
  });
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const problems = checkCitations(root);
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
