// Builds the package: TypeScript to dist/, the browser bundles to dist/web/, the JSON Schema of the configuration.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });

const tsc = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}tsconfig.build.json`],
  { stdio: "inherit" },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const web = new URL("./build-web.mjs", import.meta.url);
if (existsSync(web)) {
  const { buildWeb } = await import(web.href);
  await buildWeb();
}

// Not before the compiler has passed the source that it reads.
const { configSchemaPath, configSchemaText } = await import("./config-schema.mjs");
writeFileSync(`${root}${configSchemaPath}`, configSchemaText());
