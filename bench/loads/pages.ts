import type { Contender, Standing } from "../contenders/contender.ts";
import { browserHeaders, prefix, userName } from "../site.ts";
import { answerNamed } from "../tenant/answers.ts";
import { checkAnswer } from "./ask.ts";
import type { Load, Stage, Worked } from "./load.ts";
import { logIn } from "./log-in.ts";
import { requestsPerPage, runVisits, visitPage } from "./page-visits.ts";

/** Pages in a second, of all people together: with a hundred of them, each comes back after ten seconds, on average. */
export const pagesPerSecond = 10;

/** Seconds of a round. */
const roundSeconds = 3;

/** Seconds before it: the connections must be those that so many people have, and they are kept for five. rules R12 */
const leadSeconds = (people: number): number => (people > 1 && people < 1000 ? 5 : 1);

const mostRounds = 3;

/** The product in its forms; what they differ in is how they keep connections, which is what is looked at here. */
const isFor = ({ role }: Contender): boolean => role === "ours" || role === "trial";

async function visitFor(
  standing: Standing,
  people: number,
  { seconds, perSecond = pagesPerSecond }: { readonly seconds: number; readonly perSecond?: number },
): Promise<Worked> {
  const { pages, ...rest } = await runVisits({
    perSecond,
    seconds,
    people,
    visit: (person) =>
      visitPage({
        origin: `http://127.0.0.1:${standing.port}`,
        prefix,
        headers: browserHeaders(userName(person)),
      }),
  });
  return { ...rest, pages, units: pages * requestsPerPage };
}

/** How many have logged in at each process. */
const known = new WeakMap<Standing, number>();

async function haveSessions(standing: Standing, people: number): Promise<void> {
  const those = known.get(standing) ?? 0;
  if (those >= people) return;
  await logIn(standing, those, people);
  known.set(standing, people);
}

const pagesOf = (stage: Stage, people: number): Load => ({
  name: `pages-${people}`,
  title: `pages of ${requestsPerPage} requests, ${people} ${people === 1 ? "session" : "sessions"}`,
  stage,
  unit: "request",
  isFor,
  mostRounds,
  async check(standing) {
    await haveSessions(standing, people);
    for (const name of ["200B", "200B-json", "10KB", "10KB-json"])
      await checkAnswer(standing, answerNamed(name), userName(0));
  },
  async prepare(standing) {
    await visitFor(standing, people, { seconds: leadSeconds(people) });
  },
  run: (standing) => visitFor(standing, people, { seconds: roundSeconds }),
  probe: (standing) => visitFor(standing, people, { seconds: 0.5, perSecond: 4 * pagesPerSecond }),
});

/** Visits of pages by so many people; the fewest come first, because a session that began goes on. */
export const pageLoads = (counts: readonly number[]): Load[] =>
  (["plain", "tls"] as const).flatMap((stage) => counts.map((people) => pagesOf(stage, people)));
