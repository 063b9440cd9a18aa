import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { AdminAnswer } from "../admin-answer.ts";

/** The built page: one file that holds its script and its style, and no data. */
const pageFile = new URL("../../../dist/web/console/index.html", import.meta.url);

/** The page, and the policy that lets nothing run but what it was built with. */
export type ConsolePage = Pick<AdminAnswer, "body" | "type" | "headers">;

/** Reads the page. Rejects where the package was not built. */
export async function readConsolePage(file: URL = pageFile): Promise<ConsolePage> {
  const page = await readFile(file, "utf8");
  return {
    body: page,
    type: "text/html; charset=utf-8",
    headers: {
      "Content-Security-Policy": [
        "default-src 'none'",
        `script-src ${hashOf(page, "script")}`,
        `style-src ${hashOf(page, "style")}`,
        "connect-src 'self'",
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ].join("; "),
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
    },
  };
}

/** Whether a person looks: then the refusal is a page on which the token can be given. */
export const isNavigation = ({ headers }: IncomingMessage): boolean =>
  headers["sec-fetch-mode"] === "navigate" ||
  (headers["sec-fetch-mode"] === undefined && (headers.accept ?? "").includes("text/html"));

function hashOf(page: string, element: "script" | "style"): string {
  const content = new RegExp(`<${element}>(.*?)</${element}>`, "s").exec(page)?.[1] ?? "";
  return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
}
