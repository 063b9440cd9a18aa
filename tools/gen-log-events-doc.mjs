// Writes docs/reference/log-events.md.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { logEventsDocument, logEventsDocumentPath } from "./log-events-doc.mjs";

writeFileSync(
  fileURLToPath(new URL(`../${logEventsDocumentPath}`, import.meta.url)),
  await logEventsDocument(),
);
