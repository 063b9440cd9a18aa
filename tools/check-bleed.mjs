// Follows the imports from each door of the package that production code uses, as a bundler does, and refuses
// what must not be in reach: a test tool beside production code is fine on the disk, not in its process.
// `node tools/check-bleed.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const sideHouses = ["src/emulator/", "src/portal/", "src/cli/", "src/web/", "src/browser/"];
const testPackages = ["ws", "selfsigned"];

/** What each door must not reach: folders of this repository, and packages. */
const doors = [
  {
    door: "src/index.ts",
    folders: [...sideHouses, "src/server/"],
    packages: [...testPackages, "pino", "yaml"],
  },
  { door: "src/server.ts", folders: sideHouses, packages: testPackages },
  // Who brings a client of another library must not load ioredis for it.
  {
    door: "src/redis.ts",
    folders: [...sideHouses, "src/server/", "src/proxy/", "src/session/"],
    packages: [...testPackages, "ioredis", "redis", "undici", "valibot", "pino", "yaml"],
  },
  { door: "src/errors.ts", folders: ["src/"], packages: [""] },
  { door: "src/browser.ts", folders: ["src/"], except: "src/browser/", packages: [""] },
];

/** Every import within reach of a door, with the file that holds it. Type imports vanish: they do not run. */
async function reach(root, door) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [door],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  return Object.entries(metafile.inputs).flatMap(([from, { imports }]) =>
    imports.map(({ path, external }) => ({ from, path, external: external === true })),
  );
}

const isPackage = (path, name) => path === name || path.startsWith(`${name}/`);

async function checkDoor(root, { door, folders, except, packages }) {
  if (!existsSync(join(root, door))) return [`${door} does not exist`];
  const imports = await reach(root, door);
  return imports
    .filter(({ path, external }) =>
      external
        ? packages.some((name) => name === "" || isPackage(path, name))
        : folders.some((folder) => path.startsWith(folder)) && !(except && path.startsWith(except)),
    )
    .map(({ from, path }) => `${door} reaches ${path}, through ${from}`);
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const problems = (await Promise.all(doors.map((door) => checkDoor(root, door)))).flat();
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
