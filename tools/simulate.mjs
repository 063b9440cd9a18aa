// Runs the simulation of the session code over many seeds, on all cores.
// `npm run simulate -- --seeds 10000 [--from N] [--without fencing|tombstones]`: exit status 1 if any seed violates an
// invariant; the first ones are printed with what was violated. `--seed N` runs one seed and prints its trace.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** Violations that are printed; the rest is counted. */
const MOST_SHOWN = 10;

/** Planted bugs that a run can be asked for. */
const BUGS = ["fencing", "tombstones"];

/** Makes one file of the simulation and the session code in it. */
async function bundle(folder) {
  const { build } = await import("esbuild");
  const file = join(folder, "simulation.mjs");
  await build({
    absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
    entryPoints: ["test/simulation/simulate.ts"],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    outfile: file,
    logLevel: "warning",
  });
  return pathToFileURL(file).href;
}

/** A worker's life: takes the next seed until there is none left. */
async function work() {
  const { simulate } = await import(workerData.module);
  const next = new Int32Array(workerData.next);
  for (;;) {
    const index = Atomics.add(next, 0, 1);
    if (index >= workerData.seeds) return;
    const { trace: _, ...report } = await simulate(workerData.from + index, { without: workerData.without });
    parentPort.postMessage(report);
  }
}

/** Runs seeds on all cores; resolves with what they add up to. */
async function runAll(module, { from, seeds, without }) {
  const total = { seeds: 0, events: 0, logins: 0, lasted: 0, violated: [] };
  const next = new SharedArrayBuffer(4);
  const started = performance.now();
  const count = Math.min(availableParallelism(), seeds);
  await Promise.all(
    Array.from({ length: count }, () => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { module, from, seeds, without, next },
      });
      worker.on("message", (report) => {
        total.seeds += 1;
        total.events += report.events;
        total.logins += report.logins;
        total.lasted += report.lasted;
        if (report.violations.length > 0) total.violated.push(report);
      });
      return new Promise((resolve, reject) => worker.on("error", reject).on("exit", resolve));
    }),
  );
  return { ...total, seconds: (performance.now() - started) / 1000 };
}

const said = ({ seed, violations: [{ invariant, at, what }] }) =>
  `seed ${seed} at ${at.toFixed(0)} ms: ${invariant}: ${what}`;

async function runOne(module, seed, without) {
  const { simulate } = await import(module);
  const report = await simulate(seed, { without, isTraced: true });
  console.log(report.trace.join("\n"));
  console.log(report.violations.length > 0 ? said(report) : `seed ${seed}: nothing violated`);
  return report.violations.length === 0;
}

async function runMany(module, { from, seeds, without }) {
  const total = await runAll(module, { from, seeds, without });
  const violated = total.violated.sort((a, b) => a.seed - b.seed);
  for (const report of violated.slice(0, MOST_SHOWN)) console.log(said(report));
  if (violated.length > 0) {
    const bug = without ? ` --without ${without}` : "";
    console.log(`to look at one: npm run simulate -- --seed ${violated[0].seed}${bug}`);
  }
  console.log(
    `${total.seeds} seeds, ${violated.length} with violations; ${total.events} events, ${total.logins} logins, ` +
      `${(total.lasted / 3_600_000).toFixed(1)} simulated hours in ${total.seconds.toFixed(1)} s`,
  );
  return violated.length === 0;
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      without: { type: "string" },
    },
  });
  const without = values.without ?? null;
  if (without !== null && !BUGS.includes(without)) throw new Error(`--without takes ${BUGS.join(" or ")}`);
  const folder = mkdtempSync(join(tmpdir(), "qlik-session-proxy-simulation-"));
  try {
    const module = await bundle(folder);
    const passed =
      values.seed === undefined
        ? await runMany(module, { from: Number(values.from), seeds: Number(values.seeds), without })
        : await runOne(module, Number(values.seed), without);
    if (!passed) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (isMainThread) await main();
else await work();
