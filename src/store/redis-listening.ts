import { systemClock } from "../kernel/clock.ts";

/** What a connection that listens tells about itself. */
export interface ListeningEvents {
  readonly hear: (message: string) => void;
  /** It listens now. */
  readonly ready: () => void;
  /** It does not listen any more, or never will. May be said twice. */
  readonly broken: () => void;
}

/** Begins to listen on a fresh connection; the returned function closes it, whatever state it is in. */
export type Listen = (events: ListeningEvents) => () => void;

/** Connecting, signing in and subscribing take a few round trips; one that takes longer has met silence. Milliseconds. */
export const longestSetup = 2000;

/** Milliseconds until the next attempt: soon at first, then less and less often, but at least every second. */
export const pauseBefore = (failures: number): number =>
  Math.round(Math.min(50 * 2 ** Math.min(failures, 10), 1000) * (0.8 + 0.2 * Math.random()));

/**
 * Listens until it is stopped: a connection that breaks is thrown away and followed by a fresh one. One rule for every
 * client library and every kind of server; what libraries do by themselves differs, and gives up in some corners.
 */
export function keepListening(listen: Listen, hear: (message: string) => void): () => void {
  let failures = 0;
  let end = (): void => {};
  const begin = (): void => {
    let isOver = false;
    let close = (): void => {};
    const broken = (): void => {
      if (isOver) return;
      finish();
      failures += 1;
      end = systemClock.setTimer(pauseBefore(failures), begin);
    };
    const cancelLimit = systemClock.setTimer(longestSetup, broken);
    const finish = (): void => {
      isOver = true;
      cancelLimit();
      close();
    };
    end = finish;
    const ready = (): void => {
      cancelLimit();
      failures = 0;
    };
    try {
      close = listen({ hear: (message) => void (isOver || hear(message)), ready, broken });
    } catch {
      broken();
    }
    // It may have broken before `close` was known.
    if (isOver) close();
  };
  begin();
  return () => end();
}
