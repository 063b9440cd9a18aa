// Throws odd bytes at both raw sockets of the built server and watches that it stays as it is; see test/fuzz/.
// `npm run fuzz -- --minutes 60 [--seed N] [--side downstream|upstream|both] [--client undici|own]
// [--replay FILE]`: exit status 1 if anything was found; its bytes are in test-results/fuzz/, and `--replay` plays them again.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "test-results", "fuzz");

const sides = { downstream: ["downstream"], upstream: ["upstream"], both: ["downstream", "upstream"] };

/** Who speaks to the tenant. */
const clients = ["undici", "own"];

/** Makes one file of the fuzzer; its packages are found from where it lies. */
async function bundle(into) {
  const { build } = await import("esbuild");
  const file = join(into, "fuzz.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: ["test/fuzz/fuzz.ts"],
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
    outfile: file,
    logLevel: "warning",
  });
  return import(pathToFileURL(file).href);
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string" },
      side: { type: "string", default: "both" },
      client: { type: "string", default: "own" },
      replay: { type: "string" },
      plant: { type: "string" },
    },
  });
  const minutes = Number(values.minutes);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!(minutes > 0)) throw new Error("--minutes takes a number above 0");
  if (!Number.isSafeInteger(seed)) throw new Error("--seed takes a whole number");
  if (!Object.hasOwn(sides, values.side)) throw new Error(`--side takes ${Object.keys(sides).join(", ")}`);
  if (!clients.includes(values.client)) throw new Error(`--client takes ${clients.join(", ")}`);
  return { ...values, minutes, seed, sides: sides[values.side] };
}

async function main() {
  const { minutes, seed, sides, client, replay, plant } = readArguments();
  const work = join(folder, `run-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    // A copy, so that a build during a long run does not change what is fuzzed.
    cpSync(join(root, "dist"), join(work, "dist"), { recursive: true });
    const { fuzz, isClean } = await bundle(work);
    console.log(`seed ${seed}, client ${client}`);
    const reports = await fuzz({
      seed,
      sides,
      minutes,
      client,
      replay,
      plant,
      dist: join(work, "dist"),
      probe: join(root, "test", "fuzz", "probe.mjs"),
      folder,
      say: (line) => console.log(line),
    });
    if (!isClean(reports)) process.exitCode = 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

await main();
// Left to itself, node 20 sometimes spins for ever in the clean-up of its handles after so many odd connections.
process.exit();
