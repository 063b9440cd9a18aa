import { createHmac, randomBytes } from "node:crypto";

/** What a session belongs to. */
export interface SessionOwner {
  readonly subject: string;
  /** The host session's id, where the host gives one. */
  readonly sessionId?: string;
}

/** Derives the names under which sessions are kept. */
export interface SessionKeys {
  /** The key of an owner's session: 64 hex digits. */
  keyOf(owner: SessionOwner): string;
  /** A subject as it may stand in a log line: 16 hex digits. */
  hashOf(subject: string): string;
}

/**
 * Creates the keyed hashes of one tenant. rules R1
 *
 * The index key is random and not derived from the configured secret, so that a rotated secret moves no session.
 */
export function createSessionKeys(tenantOrigin: string, indexKey: Buffer = randomBytes(32)): SessionKeys {
  const hash = (...parts: readonly string[]): string => {
    const hmac = createHmac("sha256", indexKey);
    for (const part of parts) hmac.update(prefixed(part));
    return hmac.digest("hex");
  };
  return {
    keyOf: ({ subject, sessionId }) =>
      sessionId === undefined
        ? hash("key", tenantOrigin, subject)
        : hash("key", tenantOrigin, subject, sessionId),
    hashOf: (subject) => hash("subject", tenantOrigin, subject).slice(0, 16),
  };
}

/** Length first, so that no two lists of parts are the same bytes. */
function prefixed(part: string): Buffer {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
