// One way to the tenant in a process of its own, so that its CPU can be told: `GET /?people=N&seconds=N&rate=N` makes so many
// people visit pages, and is answered when the last page is there.
import { createServer } from "node:http";
import { askForPage, runVisits } from "../loads/page-visits.ts";
import { ways } from "./ways.ts";

const { BENCH_PORT, BENCH_TENANT = "", BENCH_CA_FILE = "", BENCH_WAY = "" } = process.env;

const way = ways[BENCH_WAY]?.({ origin: BENCH_TENANT, caFile: BENCH_CA_FILE });
if (!way) throw new Error(`there is no way ${BENCH_WAY}`);

createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const [people, seconds, perSecond] = ["people", "seconds", "rate"].map((name) =>
    Number(searchParams.get(name)),
  ) as [number, number, number];
  const before = process.cpuUsage();
  const visit = (person: number): Promise<void> => askForPage((path) => way(`${person}`, path));
  runVisits({ people, seconds, perSecond, visit }).then(
    (counts) => {
      const { user, system } = process.cpuUsage(before);
      response.end(JSON.stringify({ ...counts, cpu: user + system, rss: process.memoryUsage.rss() }));
    },
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(Number(BENCH_PORT), "127.0.0.1");
