import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { answerNamed } from "../tenant/answers.ts";
import { GateFailed, quantile } from "./load.ts";

/** Requests of one visit, and how many of them a browser has on their way at once. */
export const requestsPerPage = 30;
const atOnce = 6;

/** What a page asks for: lists and small pictures, two small ones for each larger one. */
const pattern = ["200B-json", "200B", "10KB-json", "200B-json", "200B", "10KB"].map(answerNamed);

const pathsOfPage: readonly string[] = Array.from(
  { length: requestsPerPage },
  (_, index) => pattern[index % pattern.length]?.path ?? "/",
);

/** Visits that come at their own pace, as visitors do, however long they take. */
export interface Visits {
  /** Visits in a second. */
  readonly perSecond: number;
  readonly seconds: number;
  /** How many people there are; each visit is that of one of them, by chance. */
  readonly people: number;
  /** One visit of one of them. */
  readonly visit: (person: number) => Promise<void>;
}

/** What the visits came to. */
export interface VisitCounts {
  readonly pages: number;
  readonly seconds: number;
  /** Milliseconds from the first request of a page to the end of its last answer. */
  readonly p50: number;
  readonly p99: number;
}

/** Lets people visit, and waits for the last of them. */
export async function runVisits({ perSecond, seconds, people, visit }: Visits): Promise<VisitCounts> {
  const startedAt = performance.now();
  const times: number[] = [];
  const one = async (): Promise<void> => {
    const from = performance.now();
    await visit(Math.floor(Math.random() * people));
    times.push(performance.now() - from);
  };
  const visits: Promise<void>[] = [];
  const wanted = Math.max(1, Math.round(perSecond * seconds));
  for (let index = 0; index < wanted; index += 1) {
    await sleep(Math.max(0, startedAt + (index * 1000) / perSecond - performance.now()));
    visits.push(one());
    // A failure is told by Promise.all below; until then it has been seen.
    visits.at(-1)?.catch(() => {});
  }
  await Promise.all(visits);
  const sorted = times.toSorted((a, b) => a - b);
  return {
    pages: times.length,
    seconds: (performance.now() - startedAt) / 1000,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  };
}

/** Everything that a page asks for, six at a time, through what sends one request. */
export async function askForPage(send: (path: string) => Promise<void>): Promise<void> {
  const paths = pathsOfPage.values();
  const lane = async (): Promise<void> => {
    for (const path of paths) await send(path);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** Where a browser goes, and what it sends. */
export interface BrowserSide {
  readonly origin: string;
  readonly prefix: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** One page, in a browser that was just opened: up to six connections, none of them left over. @throws GateFailed */
export async function visitPage({ origin, prefix, headers }: BrowserSide): Promise<void> {
  const browser = new Pool(origin, { connections: atOnce, pipelining: 1 });
  const flat = headers.flat();
  try {
    await askForPage(async (path) => {
      const { statusCode, body } = await browser.request({
        path: prefix + path,
        method: "GET",
        headers: flat,
      });
      await body.dump();
      if (statusCode !== 200) throw new GateFailed(`a page's ${path} is answered ${statusCode}`);
    });
  } catch (error) {
    if (error instanceof GateFailed) throw error;
    throw new GateFailed(`a page is not whole: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await browser.destroy();
  }
}
