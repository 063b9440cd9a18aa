// Loads a table from the TypeScript source, so that a document can be made without a build.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { format } from "oxfmt";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** What a source file exports; it must import nothing. */
export async function exportsOf(path) {
  const { code } = await transform(readFileSync(at(path), "utf8"), { loader: "ts" });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** The text of a document as the formatter would leave it. */
export async function formatted(path, text) {
  const { printWidth } = JSON.parse(readFileSync(at(".oxfmtrc.json"), "utf8"));
  return (await format(path, text, { printWidth })).code;
}
