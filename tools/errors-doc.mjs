// Makes the text of docs/reference/errors.md from the table in src/errors.ts.
import { exportsOf, formatted } from "./table-of.mjs";

export const errorsDocumentPath = "docs/reference/errors.md";

const whoActs = {
  client: "the client",
  host: "whoever runs the host app",
  tenant: "the tenant, or who administers it",
  proxy: "whoever runs the proxy",
};

function formatRow([code, { status, upgradeStatus, title, fault, proxyStatus }]) {
  const statuses = status === upgradeStatus ? `${status}` : `${status}, upgrade ${upgradeStatus}`;
  return `| \`${code}\` | ${statuses} | ${title} | ${whoActs[fault]} | \`${proxyStatus}\` |`;
}

/** The whole text of the document, as the formatter would leave it. */
export async function errorsDocument() {
  const { errorTable } = await exportsOf("src/errors.ts");
  const rows = Object.entries(errorTable).map(formatRow);
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
  return formatted(errorsDocumentPath, text);
}
