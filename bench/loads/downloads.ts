import { setTimeout as sleep } from "node:timers/promises";
import type { Contender, Standing } from "../contenders/contender.ts";
import { userName, usualUsers } from "../site.ts";
import { type Answer, answers, smallest } from "../tenant/answers.ts";
import { ask, checkAnswer } from "./ask.ts";
import { forAll, GateFailed, type Load, type Worked } from "./load.ts";
import { runWrk, type WrkCounts, type WrkLoad } from "./wrk.ts";

/** Seconds of a round: short, so that what else happens on the machine meets all contenders alike. */
const roundSeconds = 1;

/** Seconds of a look at whether it is warm. */
const probeSeconds = 0.5;

/** From this size on, what is on its way at the end of a round counts: bytes are counted, not answers. */
const largeFrom = 1024 * 1024;

/** From this size on, a cost is told for a gigabyte. */
const hugeFrom = 10 * largeFrom;

const gigabyte = 1e9;

const connectionsFor = ({ size }: Answer): number => (size >= hugeFrom ? 4 : size >= largeFrom ? 16 : 32);

/** Connections to the tenant for each user that are opened before a round; a user has six at most. rules R12 */
const warmPerUser = 4;

/** Opens the connections that the round will use: what is idle for long is closed, and a TLS handshake costs more than many requests. */
async function fillPools(standing: Standing): Promise<void> {
  const all = Array.from({ length: usualUsers * warmPerUser }, (_, index) =>
    ask(standing, { user: userName(index % usualUsers), path: smallest.path }),
  );
  const bad = (await Promise.all(all)).find(({ status }) => status !== 200);
  if (bad) throw new GateFailed(`${smallest.path} is answered ${bad.status}`);
}

/** A checked request in the middle of the round; it is one of those that are counted. */
async function checkMeanwhile(standing: Standing, answer: Answer): Promise<void> {
  await sleep((roundSeconds * 1000) / 2);
  await checkAnswer(standing, answer, userName(0));
}

const wrkLoad = (standing: Standing, answer: Answer, seconds: number): WrkLoad => ({
  port: standing.port,
  path: answer.path,
  connections: connectionsFor(answer),
  seconds,
  users: usualUsers,
  order: "in turn",
});

/** In the unit in which the costs of this answer are told. */
function inUnits(answer: Answer, counts: WrkCounts): Worked {
  if (answer.size >= hugeFrom) return { ...counts, units: counts.bytes / gigabyte };
  if (answer.size >= largeFrom) return { ...counts, units: counts.bytes / answer.size };
  return counts;
}

async function runRound(standing: Standing, answer: Answer, folder: string): Promise<Worked> {
  const load = wrkLoad(standing, answer, roundSeconds);
  const [counts] = await Promise.all([runWrk(load, folder), checkMeanwhile(standing, answer)]);
  if (counts.bytes === 0) throw new GateFailed("nothing arrived in a whole round");
  return inUnits(answer, { ...counts, units: counts.units + 1, bytes: counts.bytes + answer.size });
}

/** JSON differs from what is opaque for who rewrites its links; large buffers matter to what is large. */
const isFor =
  (answer: Answer) =>
  (contender: Contender): boolean => {
    if (!forAll(contender)) return false;
    if (contender.name === "nginx-large-buffers") return answer.size >= largeFrom;
    return answer.type !== "application/json" || contender.role !== "onlooker";
  };

/** The loads over HTTP, from the tenant to the browser, over plain connections to the tenant or over TLS. */
export const downloads = (folder: string): Load[] =>
  (["plain", "tls"] as const).flatMap((stage) =>
    answers.map((answer): Load => ({
      name: answer.name,
      title: answer.title,
      stage,
      unit: answer.size >= hugeFrom ? "GB" : "request",
      isFor: isFor(answer),
      check: (standing) => checkAnswer(standing, answer, userName(1)),
      prepare: fillPools,
      run: (standing) => runRound(standing, answer, folder),
      probe: async (standing) =>
        inUnits(answer, await runWrk(wrkLoad(standing, answer, probeSeconds), folder)),
    })),
  );
