// Looks up what the source, the tests, the attack suite and the bench cite (`facts §2.2`, `rules R5`, `attacks H7`, `product C6`) in the documents.
// `node tools/check-facts.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const numbersOf = (text, heading, mark = "") =>
  [...text.matchAll(heading)].map(({ groups }) => `${mark}${groups.number}`);

/**
 * What can be cited. A citation names one section or several: `facts §3 and §4`, `rules R1, R5`. `section` is the form
 * of a single one, `sections` lists those that the document has.
 */
const works = [
  {
    name: "facts",
    document: "docs/facts/qlik-cloud.md",
    section: "§\\d+(?:\\.\\d+)*",
    sections: (text) => numbersOf(text, /^#{2,4}\s+(?<number>\d+(?:\.\d+)*)\.?\s/gm, "§"),
  },
  {
    name: "rules",
    document: "docs/explain/rules.md",
    section: "R\\d+",
    sections: (text) => numbersOf(text, /^##\s+(?<number>R\d+)\s/gm),
  },
  {
    name: "attacks",
    document: "docs/explain/attacks.md",
    section: "[A-Z]\\d+",
    sections: (text) => numbersOf(text, /^- \*\*(?<number>[A-Z]\d+)\*\*\s/gm),
  },
  {
    name: "product",
    document: "docs/explain/product.md",
    section: "[ABC]\\d*(?![a-z])",
    sections: (text) => [
      ...numbersOf(text, /^#{2,3}\s+(?<number>[ABC]\d*)\.\s/gm),
      ...numbersOf(text.slice(text.indexOf("## C.")), /^(?<number>\d+)\.\s/gm, "C"),
    ],
  },
];

/** Joins a sentence that a comment breaks over two lines. */
const unwrap = (text) => text.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, " ");

/** The sections that a text cites of a work; the name may be in the singular or begin a sentence. */
function sectionsCited(text, { name, section }) {
  const several = `${section}(?:\\s*(?:,|and|or|to|–|-)\\s*${section})*`;
  const singular = name.replace(/s$/, "s?").replace(/^./, (letter) => `[${letter.toUpperCase()}${letter}]`);
  const citation = new RegExp(`\\b${singular}\\s+(${several})`, "g");
  return [...unwrap(text).matchAll(citation)].flatMap((match) => match[1].match(new RegExp(section, "g")));
}

function sectionsThere(root, { document, sections }) {
  const path = join(root, document);
  return new Set(existsSync(path) ? sections(readFileSync(path, "utf8")) : []);
}

function findSources(root) {
  return ["src", "test", "attack", "bench"]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(?:ts|mjs|html|css)$/.test(entry.name))
        .filter((entry) => !entry.parentPath.includes("node_modules"))
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
