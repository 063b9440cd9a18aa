// Writes docs/reference/errors.md from the table in src/errors.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { errorsDocument, errorsDocumentPath } from "./errors-doc.mjs";

const path = fileURLToPath(new URL(`../${errorsDocumentPath}`, import.meta.url));
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, await errorsDocument());
