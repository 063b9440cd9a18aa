// Writes docs/reference/metrics.md.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { metricsDocument, metricsDocumentPath } from "./metrics-doc.mjs";

writeFileSync(fileURLToPath(new URL(`../${metricsDocumentPath}`, import.meta.url)), await metricsDocument());
