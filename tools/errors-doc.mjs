// Makes the text of docs/reference/errors.md from the table in src/errors.ts.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { format } from "oxfmt";

export const errorsDocumentPath = "docs/reference/errors.md";

const whoActs = {
  client: "the client",
  host: "whoever runs the host app",
  tenant: "the tenant, or who administers it",
  proxy: "whoever runs the proxy",
};

/** Loads the table from the source, so that no build has to be there. */
async function loadTable() {
  const source = readFileSync(fileURLToPath(new URL("../src/errors.ts", import.meta.url)), "utf8");
  const { code } = await transform(source, { loader: "ts" });
  const { errorTable } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return errorTable;
}

function formatRow([code, { status, upgradeStatus, title, fault, proxyStatus }]) {
  const statuses = status === upgradeStatus ? `${status}` : `${status}, upgrade ${upgradeStatus}`;
  return `| \`${code}\` | ${statuses} | ${title} | ${whoActs[fault]} | \`${proxyStatus}\` |`;
}

const style = JSON.parse(readFileSync(fileURLToPath(new URL("../.oxfmtrc.json", import.meta.url)), "utf8"));

/** The whole text of the document, as the formatter would leave it. */
export async function errorsDocument() {
  const rows = Object.entries(await loadTable()).map(formatRow);
  const text = `<!-- Written by tools/gen-errors-doc.mjs from src/errors.ts: change it there. -->

# Errors

An answer that the proxy makes itself has the shape of the tenant's own errors, so that the vendor's clients can
show it:

\`\`\`json
{ "errors": [{ "code": "QSP-POLICY", "title": "…", "status": "404" }], "traceId": "<32 hexadecimal digits>" }
\`\`\`

A browser that navigates gets a small page instead. Answers of the tenant pass unchanged. The title is all that a
browser is told; the cause and the remedy are in the log, under the same trace id.

Match on \`code\`: titles may be reworded, codes keep their meaning. The status is the usual one. Some codes have
a second: \`QSP-TARGET\` 421 for a foreign host name, \`QSP-TOO-LARGE\` 431 for headers, \`QSP-BUSY\` 429 for one
user's limits, \`QSP-IDENTITY\` 503 when the identity source cannot be reached.

| Code | Status | Title | Who can mend it | \`Proxy-Status\` error |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

A configuration that cannot work is refused at the start with \`OptionsError\` (code \`QSP-OPTIONS\`), which lists
every problem with its path. It never reaches a browser.
`;
  const { printWidth } = style;
  return (await format(errorsDocumentPath, text, { printWidth })).code;
}
