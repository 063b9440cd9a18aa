// Builds the package: TypeScript to dist/, then the browser bundles to dist/web/.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
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
