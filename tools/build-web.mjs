// Bundles the browser code to dist/web/: the runtime that the local tenant serves, the sample portal, and the console.
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const source = join(root, "src/web");

/** The charts of the local tenant: file name in the runtime and the vendor's package. */
const charts = {
  barchart: "@nebula.js/sn-bar-chart",
  kpi: "@nebula.js/sn-kpi",
  linechart: "@nebula.js/sn-line-chart",
  piechart: "@nebula.js/sn-pie-chart",
  table: "@nebula.js/sn-table",
};

/** The vendor's auth, fetch and engine modules: hashed file names, so found by prefix and by a name they export. */
const vendorChunks = {
  "vendor:auth": { prefix: "auth-", exported: "registerAuthModule" },
  "vendor:invoke-fetch": { prefix: "invoke-fetch-", exported: "parseFetchResponse" },
  "vendor:qix": { prefix: "qix-", exported: "openAppSession" },
};

function exportedNames(code) {
  const list = /export \{([^}]*)\};?\s*$/.exec(code)?.[1] ?? "";
  return list.split(",").map((item) => item.trim().split(" as ").at(-1));
}

/** Finds the file of each vendor module in a folder; throws if there is none, or more than one. */
export async function findVendorChunks(folder = join(modules, "@qlik/api/chunks")) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".js"));
  const found = {};
  for (const [specifier, { prefix, exported }] of Object.entries(vendorChunks)) {
    const matches = [];
    for (const name of names.filter((each) => each.startsWith(prefix))) {
      const path = join(folder, name);
      if (exportedNames(await readFile(path, "utf8")).includes(exported)) matches.push(path);
    }
    if (matches.length !== 1)
      throw new Error(
        `build-web: ${matches.length} files ${prefix}*.js in ${folder} export ${exported}; exactly one is needed`,
      );
    found[specifier] = matches[0];
  }
  return found;
}

function vendorChunkPlugin(found) {
  return {
    name: "vendor-chunks",
    setup(context) {
      context.onResolve({ filter: /^vendor:/ }, ({ path }) =>
        found[path] === undefined
          ? { errors: [{ text: `unknown vendor chunk ${path}` }] }
          : { path: found[path] },
      );
    },
  };
}

/** Charts take the renderer that `embed.js` has already loaded: one copy, whose hooks they share. */
const sharedRendererPlugin = {
  name: "shared-renderer",
  setup(context) {
    context.onResolve({ filter: /^@nebula\.js\/stardust$/ }, ({ path }) => ({ path, namespace: "shared" }));
    context.onLoad({ filter: /.*/, namespace: "shared" }, () => ({
      contents: "module.exports = globalThis.QlikMain.provided.stardust;",
    }));
  },
};

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  platform: "browser",
  target: ["chrome109", "firefox115", "safari16.4"],
  legalComments: "external",
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
  absWorkingDir: root,
};

function bundleChart([name, packageName], outdir) {
  return build({
    ...common,
    stdin: {
      contents: `import chart from "${packageName}";\nQlikMain.provided["chart-${name}"] = chart;\n`,
      resolveDir: root,
      sourcefile: `chart-${name}.js`,
    },
    format: "iife",
    outfile: join(outdir, `chart-${name}.js`),
    plugins: [sharedRendererPlugin],
  });
}

async function buildTenantRuntime(outdir) {
  const plugins = [vendorChunkPlugin(await findVendorChunks())];
  const entry = (name) =>
    build({
      ...common,
      entryPoints: [join(source, `tenant/${name}.ts`)],
      format: "iife",
      outfile: join(outdir, `${name}.js`),
      plugins,
    });
  return Promise.all([
    entry("main"),
    entry("embed"),
    ...Object.entries(charts).map((chart) => bundleChart(chart, outdir)),
  ]);
}

async function buildPortalPage(outdir) {
  const loader = join(modules, "@qlik/embed-web-components/dist/index.js");
  await mkdir(outdir, { recursive: true });
  await cp(loader, join(outdir, "qlik-embed-web-components.js"));
  const scripts = await build({
    ...common,
    entryPoints: [join(source, "portal/dashboard.ts"), join(source, "portal/direct.ts")],
    format: "esm",
    splitting: true,
    chunkNames: "chunk-[hash]",
    outdir,
  });
  const styles = await build({
    ...common,
    entryPoints: [join(source, "portal/portal.css")],
    loader: { ".svg": "dataurl" },
    outdir,
  });
  return [scripts, styles, { metafile: { inputs: { [relative(root, loader)]: {} } } }];
}

/** The console is one file, so that its policy can name what may run in it: style and script are put into the page. */
async function buildConsole(outdir) {
  const bundle = (entry, more) =>
    build({ ...common, ...more, entryPoints: [join(source, "console", entry)], outdir, write: false });
  const script = await bundle("main.ts", { format: "iife" });
  const style = await bundle("main.css", {});
  const outputs = [...script.outputFiles, ...style.outputFiles];
  const contentOf = (ending) => outputs.find(({ path }) => path.endsWith(ending))?.text.trim() ?? "";
  await mkdir(outdir, { recursive: true });
  for (const { path, contents } of outputs) if (path.endsWith(".LEGAL.txt")) await writeFile(path, contents);
  const page = (await readFile(join(source, "console/index.html"), "utf8"))
    .replace("<style></style>", () => `<style>${contentOf(".css")}</style>`)
    .replace("<script></script>", () => `<script>${contentOf(".js")}</script>`);
  await writeFile(join(outdir, "index.html"), page);
  return [script, style];
}

/** The folder of the package that a bundled file belongs to; undefined for a file of our own. */
function packageFolder(input) {
  const at = input.lastIndexOf("node_modules/");
  if (at < 0) return undefined;
  const [scope, name] = input.slice(at + "node_modules/".length).split("/");
  return input.slice(0, at) + "node_modules/" + (scope.startsWith("@") ? `${scope}/${name}` : scope);
}

async function packageNotice(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
  const file = (await readdir(join(root, folder))).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`build-web: ${name} is bundled, but has no licence file`);
  const text = await readFile(join(root, folder, file), "utf8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}

/** Takes the comments that the bundled code wants kept out of their side files and returns them, each once. */
async function takeLegalComments(folder) {
  const blocks = new Set();
  for (const path of await readdir(folder, { recursive: true })) {
    if (!path.endsWith(".LEGAL.txt")) continue;
    const text = await readFile(join(folder, path), "utf8");
    for (const block of text.split(/\n(?=\/\*|\/\/!)/)) {
      const kept = block.replace(/^Bundled license information:\s*|^\S+:\n(?=\/\*)/g, "").trim();
      if (kept.startsWith("/*")) blocks.add(kept);
    }
    await rm(join(folder, path));
  }
  return [...blocks].sort((a, b) => a.localeCompare(b, "en"));
}

async function writeNotices(outdir, results) {
  const folders = new Set();
  for (const { metafile } of results)
    for (const input of Object.keys(metafile.inputs)) {
      const folder = packageFolder(input);
      if (folder !== undefined) folders.add(folder);
    }
  const packages = await Promise.all(
    [...folders].sort((a, b) => a.localeCompare(b, "en")).map(packageNotice),
  );
  const comments = await takeLegalComments(outdir);
  const rule = `\n${"-".repeat(78)}\n\n`;
  const head = "The scripts in this folder contain the following packages, unchanged but minified.\n";
  const inner = `Notices that these packages carry for code of others inside them:\n\n${comments.join("\n\n")}\n`;
  await writeFile(join(outdir, "NOTICES.txt"), [head, ...packages, inner].join(rule));
}

/** Builds everything that runs in a browser; `outdir` is emptied first. Throws if a vendor file is not found. */
export async function buildWeb({ outdir = join(root, "dist/web") } = {}) {
  await rm(outdir, { recursive: true, force: true });
  const results = await Promise.all([
    buildTenantRuntime(join(outdir, "tenant")),
    buildPortalPage(join(outdir, "portal")),
    buildConsole(join(outdir, "console")),
  ]);
  await writeNotices(outdir, results.flat());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWeb();
