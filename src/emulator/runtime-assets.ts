import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { notFoundAnswer, type Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";

const contentTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "application/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** A file name below the assets folder: segments of letters, digits, `-`, `_` and inner dots. */
const fileName = /^[\w-]+(?:\.[\w-]+)*(?:\/[\w-]+(?:\.[\w-]+)*)*$/;

async function readAsset(folder: URL, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(fileURLToPath(new URL(name, folder)));
  } catch {
    return undefined;
  }
}

/** Serves the browser runtime below `/qlik-embed/` from the folder it was built to (facts §6.1). */
export async function runtimeAsset({ tenant, params }: Exchange): Promise<Answer> {
  const name = params["rest"] ?? "";
  const file = fileName.test(name) ? await readAsset(tenant.assets, name) : undefined;
  if (file !== undefined)
    return {
      status: 200,
      headers: [
        ["Content-Type", contentTypes[extname(name)] ?? "application/octet-stream"],
        ["Cache-Control", "public, max-age=60"],
      ],
      body: file,
    };
  if (name !== "main.js") return notFoundAnswer();
  return {
    status: 503,
    headers: [["Content-Type", "text/plain; charset=utf-8"]],
    body: `The browser runtime is not built: ${fileURLToPath(tenant.assets)} has no main.js. "npm run build" makes it.\n`,
  };
}
