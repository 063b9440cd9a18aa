// Writes src/proxy/own/auth-module-script.ts from src/browser/.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { authModuleScriptFile, authModuleScriptPath } from "./auth-module-script.mjs";

writeFileSync(
  fileURLToPath(new URL(`../${authModuleScriptPath}`, import.meta.url)),
  await authModuleScriptFile(),
);
