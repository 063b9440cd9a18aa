// Loaded into a server before it starts (`node --import`). Writes to standard error whatever the process could be made to
// print: every event at every level, every warning; and on SIGUSR2 the objects of the proxy, and a crash that holds them, or
// a snapshot of its heap.
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { format, inspect } from "node:util";
import { writeHeapSnapshot } from "node:v8";

const print = (what, value) => {
  const all = { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null };
  process.stderr.write(`${what}: ${inspect(value, all)}\n${JSON.stringify(value)}\n`);
};

for (const name of ["exchange", "session", "login", "socket", "policy", "store"])
  subscribe(`qsp:${name}`, (event) => print("event", event));
process.on("warning", (warning) => print("warning", warning));

/** Prints a secret on purpose, so that the search can be seen to find one. */
const planted = process.env.CANARY_PLANT;
if (planted !== undefined)
  print("planted", Buffer.from(readFileSync(planted, "utf8").trim()).toString("base64"));

const heap = process.env.CANARY_HEAP;

async function show() {
  if (heap !== undefined) {
    writeHeapSnapshot(heap);
    process.exit();
  }
  const dist = new URL("../../../dist/", import.meta.url);
  const { createStandaloneServer, loadServerConfig, Secret } = await import(new URL("server.js", dist));
  const { resolveOptions } = await import(new URL("options/session-proxy-options.js", dist));
  const { createSessionProxy } = await import(new URL("index.js", dist));
  const { config } = loadServerConfig({ file: process.env.CANARY_CONFIG, environment: {} });
  const listen = { host: "127.0.0.1", port: 0 };
  const held = {
    config,
    options: resolveOptions(config.options),
    proxy: createSessionProxy(config.options),
    server: await createStandaloneServer({ ...config, listen, admin: { ...config.admin, listen } }),
    secret: new Secret(readFileSync(process.env.CANARY_CONFIG, "utf8")),
  };
  for (const [name, value] of Object.entries(held)) print(name, value);
  process.stderr.write(`${format("%o %O %j %s", held, held, held, held)}\n`);
  // Outside of this handler: what it threw would be a rejection, which is printed in another way.
  setImmediate(() => {
    throw Object.assign(new Error("a crash", { cause: Object.assign(new Error("its cause"), held) }), held);
  });
}

process.on("SIGUSR2", () => void show());
