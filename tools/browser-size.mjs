// Prints what the browser code costs a page that bundles it, in bytes: all of it, and without what a page leaves out.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { authModuleScript } from "./auth-module-script.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

async function bundle(contents) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: ["chrome109", "firefox115", "safari16.4"],
    logLevel: "warning",
  });
  return outputFiles[0].text;
}

/** Name, bytes minified, bytes packed. */
export async function browserSizes() {
  const parts = {
    "qlik-session-proxy/browser": await bundle('export * from "./src/browser.ts";'),
    "watchSession alone": await bundle('export { watchSession } from "./src/browser.ts";'),
    "registerQlikSessionProxy alone": await bundle(
      'export { registerQlikSessionProxy } from "./src/browser.ts";',
    ),
    "_session/auth-module.js": await authModuleScript(),
  };
  return Object.entries(parts).map(([name, text]) => [
    name,
    text.length,
    gzipSync(text, { level: 9 }).length,
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, minified, packed] of await browserSizes())
    console.log(`${name.padEnd(32)} ${minified} bytes minified, ${packed} with gzip`);
