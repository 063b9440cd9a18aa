// Makes the script that the proxy serves as `_session/auth-module.js` out of src/browser/auth-module-script.ts.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const authModuleScriptPath = "src/proxy/own/auth-module-script.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The script, minified: one expression that runs as a script and as a module. */
export async function authModuleScript() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/browser/auth-module-script.ts"],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: ["chrome109", "firefox115", "safari16.4"],
    logLevel: "warning",
  });
  return outputFiles[0].text.trim() + "\n";
}

/** The file that holds it: part of the source, so that a bundled library has it too. */
export async function authModuleScriptFile() {
  const script = await authModuleScript();
  return `// Written by tools/gen-auth-module.mjs from src/browser/: change it there.

/** What a page on another origin of the same site loads. */
export const authModuleScript: string = ${JSON.stringify(script)};
`;
}
