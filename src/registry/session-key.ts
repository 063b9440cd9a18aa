import { createHmac } from "node:crypto";
import { Memo } from "../kernel/memo.ts";

/** What a session belongs to. */
export interface SessionOwner {
  readonly subject: string;
  /** The host session's id, where the host gives one. */
  readonly sessionId?: string;
}

/** Derives the names under which sessions are kept. */
export interface SessionKeys {
  /** The host session's id, where the owner's sessions are told apart by it. */
  hostSessionOf(owner: SessionOwner): string | undefined;
  /** The key of an owner's session: 64 hex digits, the first 32 of which are the tag of the subject. */
  keyOf(owner: SessionOwner): string;
  /** The tag of a subject: 32 hex digits. */
  tagOf(subject: string): string;
  /** A subject as it may stand in a log line: 16 hex digits. */
  hashOf(subject: string): string;
}

/** The tag of a key's subject. */
export const tagOf = (key: string): string => key.slice(0, tagDigits);

const tagDigits = 32;

/** Owners whose keys are remembered, some 400 bytes each. */
const knownOwners = 20_000;

/**
 * Creates the keyed hashes of one tenant. rules R1
 *
 * The index key is random and not derived from the configured secret, so that a rotated secret moves no session. Where the
 * tenant counts the sessions of a user, all host sessions of a user have one name.
 */
export function createSessionKeys(
  tenantName: string,
  indexKey: Buffer,
  countsSessions: boolean = false,
): SessionKeys {
  const hash = (...parts: readonly string[]): string => {
    const hmac = createHmac("sha256", indexKey);
    for (const part of parts) hmac.update(prefixed(part));
    return hmac.digest("hex");
  };
  const tag = (subject: string): string => hash("tag", tenantName, subject).slice(0, tagDigits);
  // Earned by: bench 200B. The same few people ask again and again, and each key is two keyed hashes.
  const known = new Memo<string>(knownOwners);
  const hostSessionOf = ({ sessionId }: SessionOwner): string | undefined =>
    countsSessions ? undefined : sessionId;
  const keyOf = (owner: SessionOwner): string => {
    const { subject } = owner;
    const sessionId = hostSessionOf(owner);
    const own =
      sessionId === undefined
        ? hash("key", tenantName, subject)
        : hash("key", tenantName, subject, sessionId);
    return tag(subject) + own.slice(0, 64 - tagDigits);
  };
  return {
    hostSessionOf,
    tagOf: tag,
    keyOf(owner) {
      const { subject, sessionId } = owner;
      // The length first: no two owners are the same text.
      const text = sessionId === undefined ? `-${subject}` : `${subject.length}:${subject}${sessionId}`;
      return known.get(text) ?? known.keep(text, keyOf(owner));
    },
    hashOf: (subject) => hash("subject", tenantName, subject).slice(0, 16),
  };
}

/** Length first, so that no two lists of parts are the same bytes. */
function prefixed(part: string): Buffer {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
