// Prints what the package weighs: `npm run sizes`. Each door with its own graph and the packages that it reaches, then
// what an installation brings, then the browser files.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { manifest, programDoors } from "./package-doors.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;

const kib = (bytes) => (bytes / 1024).toFixed(1);
const mib = (bytes) => (bytes / 1024 / 1024).toFixed(1);
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
const listed = (names) => [...names].sort((one, other) => one.localeCompare(other)).join(" ") || "–";
const packageOf = (path) =>
  path
    .split("/")
    .slice(0, path.startsWith("@") ? 2 : 1)
    .join("/");

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const weightOf = (folder) => sum(filesBelow(folder).map((file) => statSync(file).size));

/** The modules of ours and the packages that a door leads to: at once, or when something asks for them. */
async function graphOf({ specifier, file }) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [file],
    bundle: true,
    write: false,
    metafile: true,
    splitting: true,
    outdir: "sizes",
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const inputs = Object.values(metafile.inputs);
  const imports = inputs.flatMap((input) => input.imports).filter(({ external }) => external);
  const found = imports
    .filter(
      ({ path }) => manifest.dependencies[packageOf(path)] ?? manifest.peerDependencies?.[packageOf(path)],
    )
    .map(({ path, kind }) => ({ name: packageOf(path), late: kind === "dynamic-import" }));
  const atOnce = new Set(found.filter(({ late }) => !late).map(({ name }) => name));
  const late = new Set(found.map(({ name }) => name).filter((name) => !atOnce.has(name)));
  return { specifier, modules: inputs.length, bytes: sum(inputs.map(({ bytes }) => bytes)), atOnce, late };
}

/** Folders that packages bring, each once, as npm has placed them. */
function broughtBy(names) {
  const found = new Set();
  const visit = (name, from) => {
    for (let place = from; ; place = place.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, "")) {
      const path = `${place === "" ? "" : `${place}/`}node_modules/${name}`;
      if (locked[path] !== undefined) {
        if (found.has(path)) return;
        found.add(path);
        for (const next of Object.keys(locked[path].dependencies ?? {})) visit(next, path);
        return;
      }
      if (place === "") return;
    }
  };
  for (const name of names) visit(name, "");
  return found;
}

const weightOfPackages = (paths) => sum([...paths].map((path) => weightOf(join(root, path))));

const graphs = await Promise.all(programDoors.map(graphOf));
console.log("| Door | Modules of ours | KiB | Packages, at once | when they are needed |");
console.log("| --- | --- | --- | --- | --- |");
for (const { specifier, modules, bytes, atOnce, late } of graphs)
  console.log(`| ${specifier} | ${modules} | ${kib(bytes)} | ${listed(atOnce)} | ${listed(late)} |`);

const library = graphs.find(({ specifier }) => specifier === manifest.name);
const needed = broughtBy(library.atOnce);
const all = broughtBy(Object.keys(manifest.dependencies));
const own = weightOf(join(root, "dist"));
console.log("\n| On the disk | Packages | MiB |");
console.log("| --- | --- | --- |");
console.log(
  `| what the library door loads, and what that brings | ${needed.size} | ${mib(weightOfPackages(needed))} |`,
);
console.log(`| everything that an installation brings | ${all.size} | ${mib(weightOfPackages(all))} |`);
console.log(`| \`dist/\` itself | 1 | ${mib(own)} |`);

console.log("\n| Browser file | KiB | gzip |");
console.log("| --- | --- | --- |");
const browserFiles = [
  ...filesBelow(join(root, "dist/web")).filter((file) => /\.(?:js|css|html)$/.test(file)),
  ...programDoors.filter(({ name }) => name === "browser").map(({ file }) => join(root, file)),
];
for (const file of browserFiles.sort()) {
  const text = readFileSync(file);
  console.log(`| ${relative(root, file)} | ${kib(text.length)} | ${kib(gzipSync(text).length)} |`);
}
