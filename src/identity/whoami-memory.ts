import type { Clock } from "../kernel/clock.ts";
import type { Identity, Named } from "./identity.ts";

/** Answers that are remembered for a moment, and questions that are under way. */
export interface WhoamiMemory {
  /**
   * The answer to a question, remembered or asked for; one answer serves all who wait. It was asked for after `since`
   * (milliseconds), never before.
   */
  recall(key: string, since: number, question: (startedAt: number) => Promise<Identity | null>): Named;
  /** Questions under way. */
  readonly underway: number;
}

/** Answers that name somebody; about 10 MB. */
const mostNamed = 10_000;

/** Answers that name nobody have a place of their own: made-up cookies must not push people out. */
const mostNobodies = 2000;

/** Who has just signed in must not be nobody for long. Milliseconds. */
const longestNobody = 1000;

interface Remembered {
  readonly identity: Identity | null;
  readonly startedAt: number;
  readonly until: number;
}

interface Flight {
  readonly startedAt: number;
  readonly answer: Promise<Identity | null>;
}

/** Remembers each answer for `cacheFor` milliseconds after its question began. rules R14 */
export function createWhoamiMemory({
  clock,
  cacheFor,
}: {
  readonly clock: Clock;
  readonly cacheFor: number;
}): WhoamiMemory {
  const named = new Map<string, Remembered>();
  const nobodies = new Map<string, Remembered>();
  const flights = new Map<string, Flight>();
  let underway = 0;

  const keep = (key: string, identity: Identity | null, startedAt: number): void => {
    const known = named.get(key) ?? nobodies.get(key);
    // An answer that took long does not replace one to a later question.
    if (known !== undefined && known.startedAt > startedAt) return;
    named.delete(key);
    nobodies.delete(key);
    const time = identity === null ? Math.min(cacheFor, longestNobody) : cacheFor;
    if (time === 0) return;
    const [place, most] = identity === null ? [nobodies, mostNobodies] : [named, mostNamed];
    // The oldest is the first to be over.
    if (place.size >= most) place.delete(place.keys().next().value ?? key);
    place.set(key, { identity, startedAt, until: startedAt + time });
  };

  const start = (
    key: string,
    startedAt: number,
    question: (startedAt: number) => Promise<Identity | null>,
  ): Promise<Identity | null> => {
    underway += 1;
    const answer = question(startedAt)
      .then((identity) => {
        keep(key, identity, startedAt);
        return identity;
      })
      .finally(() => {
        underway -= 1;
        if (flights.get(key)?.answer === answer) flights.delete(key);
      });
    flights.set(key, { startedAt, answer });
    return answer;
  };

  return {
    recall(key, since, question) {
      const now = clock.now();
      const known = named.get(key) ?? nobodies.get(key);
      if (known !== undefined && known.startedAt > since && now < known.until) return known.identity;
      const flight = flights.get(key);
      if (flight !== undefined && flight.startedAt > since) return flight.answer;
      return start(key, now, question);
    },
    get underway() {
      return underway;
    },
  };
}
