// Writes docs/reference/configuration.md from the schema of the configuration.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { configDocument, configDocumentPath } from "./config-doc.mjs";

const path = fileURLToPath(new URL(`../${configDocumentPath}`, import.meta.url));
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, await configDocument());
