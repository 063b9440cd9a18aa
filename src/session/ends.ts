import type { Clock } from "../kernel/clock.ts";
import type { SessionOwner } from "./session-key.ts";

/** Remembers who was logged out, so that nothing begun before can bring a session back. rules R1 */
export interface Ends {
  /** A number that changes with every end of the key or its subject; compared before and after a login. */
  epoch(key: string, subject: string): number;
  /** Whether the host's word of `evidenceAt` may open a session after the ends known. */
  admits(key: string, owner: SessionOwner, evidenceAt: number): boolean;
  endKey(key: string): void;
  endSubject(subject: string, blockFor: number): void;
}

interface Tombstone {
  readonly epoch: number;
  readonly endedAt: number;
  readonly blockedUntil: number;
}

/** Requests that were on their way when the user logged out must not log in again. Milliseconds; rules R1 */
const comeBackAfter = 2000;

/** Creates the memory of ends; `keepFor` (milliseconds) is longer than anything that could write after an end. */
export function createEnds(clock: Clock, keepFor: number): Ends {
  const keys = new Map<string, Tombstone>();
  const subjects = new Map<string, Tombstone>();

  /** One counter for all ends, never set back: an end is seen even where an older one was forgotten meanwhile. */
  let ends = 0;

  const bury = (map: Map<string, Tombstone>, name: string, blockFor: number): void => {
    const now = clock.now();
    ends += 1;
    const epoch = ends;
    map.delete(name);
    map.set(name, { epoch, endedAt: now, blockedUntil: now + blockFor });
    forget(map, now);
  };

  /** Tombstones stand in the order of their ends, so the old ones are the first. */
  const forget = (map: Map<string, Tombstone>, now: number): void => {
    for (const [name, { endedAt, blockedUntil }] of map) {
      if (Math.max(endedAt + keepFor, blockedUntil) > now) return;
      map.delete(name);
    }
  };

  return {
    epoch: (key, subject) => Math.max(keys.get(key)?.epoch ?? 0, subjects.get(subject)?.epoch ?? 0),
    admits(key, owner, evidenceAt) {
      const ofSubject = subjects.get(owner.subject);
      if (ofSubject && clock.now() < ofSubject.blockedUntil) return false;
      if (ofSubject && evidenceAt <= ofSubject.endedAt + comeBackAfter) return false;
      const ofKey = keys.get(key);
      if (!ofKey) return true;
      return owner.sessionId === undefined && evidenceAt > ofKey.endedAt + comeBackAfter;
    },
    endKey: (key) => bury(keys, key, 0),
    endSubject: (subject, blockFor) => bury(subjects, subject, blockFor),
  };
}
