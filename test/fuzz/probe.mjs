// Loaded into the fuzzed process before anything else (`node --import`): counts what must not happen in it, and
// tells on request how it is. Speaks over the channel that `fork` opens; holds nothing of the product.
import { subscribe } from "node:diagnostics_channel";
import { Session } from "node:inspector";
import { createServer, connect } from "node:net";

const counts = { rejections: 0, exceptions: 0, warnings: 0 };

/** Sockets of the process, by who began them. */
const open = { in: new Set(), out: new Set() };

const tell = (message) => {
  if (process.connected) process.send(message);
};

const described = (error) =>
  (error instanceof Error ? (error.stack ?? error.message) : String(error)).slice(0, 4000);

process.on("unhandledRejection", (reason) => {
  counts.rejections += 1;
  tell({ happened: "an unhandled rejection", detail: described(reason) });
});
process.on("uncaughtExceptionMonitor", (error) => {
  counts.exceptions += 1;
  tell({ happened: "an uncaught exception", detail: described(error) });
});
process.on("warning", (warning) => {
  counts.warnings += 1;
  tell({ happened: "a process warning", detail: described(warning) });
});

const watch = (set) => (message) => {
  const { socket } = message;
  if (set.has(socket)) return;
  set.add(socket);
  socket.once("close", () => set.delete(socket));
};
subscribe("net.server.socket", watch(open.in));
subscribe("net.client.socket", watch(open.out));

/** What was last asked on each connection that the process began: it tells which case one belongs to. */
const asked = new WeakMap();
subscribe("undici:client:sendHeaders", ({ request, socket }) => {
  asked.set(socket, `${request.method} ${request.path}`);
});

/** Blocks of the product's code that have run, told apart by file and place. */
const blocks = new Set();
const inspector = new Session();
inspector.connect();
const ask = (method, params) =>
  new Promise((resolve, reject) => {
    inspector.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
  });

async function countBlocks() {
  const { result } = await ask("Profiler.takePreciseCoverage");
  for (const { url, functions } of result) {
    if (!url.includes("/dist/")) continue;
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        if (count > 0) blocks.add(`${url} ${startOffset} ${endOffset}`);
      }
    }
  }
  return blocks.size;
}

/** What can be told of a connection that somebody forgot. */
const shown = (socket) => {
  const { connecting, destroyed, readyState, bytesRead, bytesWritten, readableEnded, writableEnded } = socket;
  const state = { connecting, destroyed, readyState, bytesRead, bytesWritten, readableEnded, writableEnded };
  return JSON.stringify({ ...state, paused: socket.isPaused(), asked: asked.get(socket) });
};

async function report({ collect }) {
  if (collect) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    ...counts,
    socketsIn: open.in.size,
    socketsOut: open.out.size,
    heap: heapUsed + external,
    rss,
    blocks: await countBlocks(),
    sockets: [...open.in, ...open.out].slice(0, 8).map(shown),
  };
}

process.on("message", ({ id, ...question }) => {
  report(question).then(
    (answer) => tell({ id, answer }),
    (error) => tell({ id, failed: described(error) }),
  );
});
process.channel?.unref();

await ask("Profiler.enable");
await ask("Profiler.startPreciseCoverage", { callCount: false, detailed: true });

/** What the process is made to do wrong, so that it can be shown that it would be found. */
const plants = {
  rejection: () => void Promise.reject(new Error("planted")),
  exception: () =>
    setImmediate(() => {
      throw new Error("planted");
    }),
  leak: () => {
    const server = createServer().listen(0, "127.0.0.1", () => connect(server.address().port, "127.0.0.1"));
  },
  hoard: () => {
    if (connections > hoardsFrom) hoarded.push(Buffer.alloc(8 * 1024 * 1024, 1));
  },
};
const hoarded = [];
/** Memory is measured for the first time after a thousand cases; what it grows by before is taken for warming up. */
const hoardsFrom = 1100;
let connections = 0;
const plant = plants[process.env["FUZZ_PLANT"]];
if (plant) {
  subscribe("net.server.socket", () => {
    connections += 1;
    if (connections % 20 === 0) plant();
  });
}
