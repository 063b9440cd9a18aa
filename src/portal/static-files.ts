import { readFile, readdir } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { extname } from "node:path";

/** The portal's scripts and styles, read once; a page or script that is not among them does not exist. */
export interface StaticFiles {
  /** Answers with the named file; false if there is none. */
  send(name: string, response: ServerResponse): boolean;
}

const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Reads every script, style and picture of a folder. Rejects if the folder is not there. */
export async function readStaticFiles(folder: URL): Promise<StaticFiles> {
  const files = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  for (const name of await readdir(folder)) {
    const type = contentTypes[extname(name)];
    if (type !== undefined) files.set(name, { type, bytes: await readFile(new URL(name, folder)) });
  }
  return {
    send(name, response) {
      const file = files.get(name);
      if (file === undefined) return false;
      response.writeHead(200, {
        "Content-Type": file.type,
        "Content-Length": file.bytes.length,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
      });
      response.end(file.bytes);
      return true;
    },
  };
}
