// Loaded before a program of Node by the bench: says what its heap holds, and how long it has stood still for its collector.
import { createServer } from "node:http";
import { PerformanceObserver } from "node:perf_hooks";
import process from "node:process";

let pauses = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) pauses += duration;
}).observe({ entryTypes: ["gc"] });

const server = createServer(({ url }, response) => {
  // Once more for what the first round only let go of.
  if (url === "/collect") for (let round = 0; round < 2; round += 1) globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  response.end(JSON.stringify({ heap: heapUsed + external, rss, pauses: pauses / 1000 }));
});
server.listen(Number(process.env.BENCH_WATCH_PORT), "127.0.0.1");
server.unref();
