import { setTimeout as sleep } from "node:timers/promises";
import type { Standing } from "../contenders/contender.ts";
import { userName, usualUsers } from "../site.ts";
import { type Answer, answers } from "../tenant/answers.ts";
import { ask, checkAnswer } from "./ask.ts";
import { GateFailed, type Load, type Worked } from "./load.ts";
import { runWrk } from "./wrk.ts";

/** Seconds of a round: short, so that what else happens on the machine meets all contenders alike. */
const roundSeconds = 1;

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
  const [smallest] = answers;
  if (!smallest) return;
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

async function runRound(standing: Standing, answer: Answer, folder: string): Promise<Worked> {
  const load = {
    port: standing.port,
    path: answer.path,
    connections: connectionsFor(answer),
    seconds: roundSeconds,
    users: usualUsers,
    order: "in turn",
  } as const;
  const [counts] = await Promise.all([runWrk(load, folder), checkMeanwhile(standing, answer)]);
  if (counts.bytes === 0) throw new GateFailed("nothing arrived in a whole round");
  const bytes = counts.bytes + answer.size;
  if (answer.size >= hugeFrom) return { ...counts, units: bytes / gigabyte };
  if (answer.size >= largeFrom) return { ...counts, units: bytes / answer.size };
  return { ...counts, units: counts.units + 1 };
}

/** The loads over HTTP, from the tenant to the browser, over plain connections to the tenant or over TLS. */
export const downloads = (folder: string): Load[] =>
  (["plain", "tls"] as const).flatMap((stage) =>
    answers.map((answer): Load => ({
      name: answer.name,
      title: answer.title,
      stage,
      unit: answer.size >= hugeFrom ? "GB" : "request",
      needsSockets: false,
      isOnce: false,
      check: (standing) => checkAnswer(standing, answer, userName(1)),
      prepare: fillPools,
      run: (standing) => runRound(standing, answer, folder),
    })),
  );
