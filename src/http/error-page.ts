import { createHash } from "node:crypto";

/** What the page shows. */
export interface ErrorPageFields {
  readonly title: string;
  readonly code: string;
  readonly traceId: string;
  readonly status: number;
}

const style = `
:root { color-scheme: light dark; --paper: #f4f6f8; --card: #ffffff; --ink: #1c2733; --soft: #5b6b7b; --line: #dfe5ea; --accent: #00873d; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12181f; --card: #1b242d; --ink: #e8edf2; --soft: #9fb0c0; --line: #2c3945; --accent: #3ddc84; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--accent); border-radius: 12px; }
p { margin: 0; color: var(--soft); }
h1 { margin: 0.25rem 0 1.5rem; font-size: 1.375rem; line-height: 1.3; text-wrap: balance; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.375rem 1rem; margin: 0; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 0.875rem; }
dt { color: var(--soft); }
dd { margin: 0; font-family: ui-monospace, "Cascadia Mono", Menlo, monospace; overflow-wrap: anywhere; user-select: all; }
`;

/** The page's `Content-Security-Policy`: nothing but its own style. */
export const errorPagePolicy: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Writes the page that a person sees instead of a document. */
export function errorPage({ title, code, traceId, status }: ErrorPageFields): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<p>${status}</p>
<h1>${escapeHtml(title)}</h1>
<dl>
<dt>Code</dt><dd>${escapeHtml(code)}</dd>
<dt>Trace id</dt><dd>${escapeHtml(traceId)}</dd>
</dl>
</main>
</body>
</html>
`;
}

/** Makes a text safe between tags and inside quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
