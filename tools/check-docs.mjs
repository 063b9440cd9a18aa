// A document is a test: its links lead somewhere, the files, scripts and tests it names exist, its TypeScript compiles
// against the built package, its configurations pass `validate`, the commands of its how-tos run, its generated pages are
// current.
// `node tools/check-docs.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { configDocument, configDocumentPath, configNoteProblems } from "./config-doc.mjs";
import { checkSnippets } from "./docs-snippets.mjs";
import { errorsDocument, errorsDocumentPath } from "./errors-doc.mjs";
import { logEventsDocument, logEventsDocumentPath } from "./log-events-doc.mjs";
import { findMarkdown, readMarkdown } from "./markdown.mjs";
import { metricsDocument, metricsDocumentPath } from "./metrics-doc.mjs";
import { problemsOf, testsOf } from "./shown-tests.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const cli = join(home, "dist/cli/main.js");

/** How long a document may be, in lines: a page that nobody finishes tells nothing. */
const lengthLimits = [
  { path: /^docs\/decisions\//, lines: 80 },
  { path: /^CONTRIBUTING\.md$/, lines: 120 },
];

/** Names what other people's repositories hold and is copied as it is; or is made, and compared by tools/api.mjs. */
const isForeign = (path) => /^(?:docs\/facts|api)\//.test(path);

const repositoryPath =
  /^(?:src|test|tools|docs|attack|bench|examples|\.ci|\.changes)\/[\w./@-]+$|^[A-Z]+\.md$/;

function checkLinks(root, path, { links }) {
  return links.flatMap((link) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file, anchor] = link.split("#");
    const target = file === "" ? path : join(dirname(path), file);
    if (!existsSync(join(root, target))) return [`${path} links to ${link}, which does not exist`];
    if (anchor === undefined || readMarkdown(join(root, target)).anchors.has(anchor)) return [];
    return [`${path} links to ${link}, but ${target} has no such heading`];
  });
}

function checkNames(root, path, { codeSpans }) {
  return codeSpans
    .filter((name) => repositoryPath.test(name) && !existsSync(join(root, name)))
    .map((name) => `${path} names ${name}, which does not exist`);
}

/** A test that a page names as proof is there, under that title. */
function checkShownTests(root, path) {
  const named = testsOf(readFileSync(join(root, path), "utf8"));
  return named.flatMap((test) => problemsOf(root, test).map((problem) => `${path}: ${problem}`));
}

function checkLength(path, { lines }) {
  return lengthLimits
    .filter((limit) => limit.path.test(path) && lines > limit.lines)
    .map((limit) => `${path} has ${lines} lines, more than ${limit.lines}`);
}

/** `npm run x` in a shell block or a code span: the script exists. */
function checkScripts(root, path, { blocks, codeSpans }) {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const shell = blocks.filter(({ language }) => language === "sh").map(({ code }) => code);
  return [...[...shell, ...codeSpans].join("\n").matchAll(/\bnpm run (?:-\S+ )*([\w:]+)/g)]
    .filter(([, name]) => scripts[name] === undefined)
    .map(([, name]) => `${path}: npm run ${name} is not a script of package.json`);
}

function runNode(args, cwd) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    encoding: "utf8",
    stdio: "pipe",
  });
  return { failed: status !== 0, output: `${stdout}${stderr}`.trim() };
}

/**
 * Compiles the TypeScript blocks against the built package, each as a file of its own. What a block takes from
 * the reader's application is in test/docs/host-app/.
 */
function checkTypeScript(documents, folder) {
  const names = documents.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language }) => language === "ts")
      .map(({ code }, index) => {
        const name = `${path.replaceAll(/\W/g, "-")}-${index + 1}.ts`;
        writeFileSync(join(folder, name), code);
        return name;
      }),
  );
  if (names.length === 0) return [];
  cpSync(join(home, "test/docs/host-app"), folder, { recursive: true });
  const { compilerOptions } = JSON.parse(readFileSync(join(home, "tsconfig.json"), "utf8"));
  const options = { ...compilerOptions, isolatedDeclarations: false, declaration: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["."] }));
  const { failed, output } = runNode([join(home, "node_modules/typescript/bin/tsc"), "-p", folder], folder);
  return failed ? [`a TypeScript block does not compile:\n${output}`] : [];
}

/**
 * Gives each YAML block to `validate`, in a folder with the files that a reader has made by then: the keys by
 * `keygen`, and secrets.
 */
function checkConfigurations(documents, folder) {
  const blocks = documents.flatMap(({ path, blocks: all }) =>
    all.filter(({ language }) => language === "yaml").map(({ code }) => ({ path, code })),
  );
  return blocks.flatMap(({ path, code }, index) => {
    const file = `config-${index + 1}.yaml`;
    writeFileSync(join(folder, file), code);
    const { failed, output } = runNode([cli, "validate", "-c", file], folder);
    return failed ? [`${path}: a configuration does not pass validate:\n${output}`] : [];
  });
}

/** Makes what a reader has made by then: keys and secrets. Returns the problem with it, if any. */
function makeKeys(folder) {
  const keygen = runNode([cli, "keygen", "--out", "keys", "--alg", "ES384"], folder);
  if (keygen.failed) return [`keygen fails: ${keygen.output}`];
  mkdirSync(join(folder, "secrets"));
  for (const name of ["client-secret", "session-secret", "edge-token"])
    writeFileSync(join(folder, "secrets", name), `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  return [];
}

/** The examples must be inside the package to import it by its own name. */
function checkExamples(root, documents) {
  const languages = new Set(documents.flatMap(({ blocks }) => blocks.map(({ language }) => language)));
  const needsKeys = languages.has("yaml");
  const parent = join(home, "test-results");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "docs-"));
  try {
    return [
      ...(needsKeys ? makeKeys(folder) : []),
      ...checkTypeScript(documents, folder),
      ...checkConfigurations(documents, folder),
      ...checkSnippets(root, documents, {
        folder,
        made: needsKeys ? ["keys", "secrets"].map((name) => join(folder, name)) : [],
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A decision that the list does not have is one that nobody finds. */
function checkDecisions(documents) {
  const list = documents.find(({ path }) => path === "docs/decisions/README.md");
  return documents
    .filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path))
    .filter(({ path }) => !list?.links.includes(path.slice("docs/decisions/".length)))
    .map(({ path }) => `${path} is not in docs/decisions/README.md`);
}

/** A change fragment is named by its kind and a short title. */
function checkFragments(root) {
  return readdirSync(join(root, ".changes"))
    .filter(
      (name) =>
        name !== "README.md" && !/^(?:added|changed|fixed|removed|security)\.[a-z0-9-]+\.md$/.test(name),
    )
    .map((name) => `.changes/${name}: the name is not <kind>.<slug>.md, see .changes/README.md`);
}

/** Documents that are made from a table of the source, by their tools. */
const generated = [
  { path: errorsDocumentPath, make: errorsDocument, tool: "gen-errors-doc" },
  { path: metricsDocumentPath, make: metricsDocument, tool: "gen-metrics-doc" },
  { path: logEventsDocumentPath, make: logEventsDocument, tool: "gen-log-events-doc" },
  { path: configDocumentPath, make: configDocument, tool: "gen-config-doc" },
];

async function checkGenerated(root) {
  const problems = configNoteProblems();
  for (const { path, make, tool } of generated) {
    const file = join(root, path);
    // Trees of tests have some of them.
    const isThere = existsSync(file);
    const isCurrent = isThere ? readFileSync(file, "utf8") === (await make()) : root !== home;
    if (!isCurrent) problems.push(`${path} is not current: run node tools/${tool}.mjs`);
  }
  return problems;
}

/** What the index of the documents does not name is found by nobody. Decisions have a list of their own. */
function checkIndex(documents) {
  const index = documents.find(({ path }) => path === "docs/README.md");
  if (index === undefined) return [];
  return documents
    .filter(({ path }) => /^docs\/(?!decisions\/|README\.md$)/.test(path))
    .filter(({ path }) => !index.links.includes(path.slice("docs/".length)))
    .map(({ path }) => `${path} is not in docs/README.md`);
}

async function checkDocs(root) {
  const documents = findMarkdown(root)
    .filter((path) => !isForeign(path))
    .map((path) => ({ path, ...readMarkdown(join(root, path)) }));
  return [
    ...documents.flatMap((document) => [
      ...checkLinks(root, document.path, document),
      ...checkNames(root, document.path, document),
      ...checkShownTests(root, document.path),
      ...checkLength(document.path, document),
      ...checkScripts(root, document.path, document),
    ]),
    ...checkDecisions(documents),
    ...checkExamples(root, documents),
    ...checkIndex(documents),
    ...checkFragments(root),
    ...(await checkGenerated(root)),
  ];
}

const problems = await checkDocs(join(resolve(process.argv[2] ?? home), "/"));
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
