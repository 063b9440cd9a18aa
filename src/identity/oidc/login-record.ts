import { createHash } from "node:crypto";
import type { Identity } from "../identity.ts";
import type { DocumentReading } from "../sign-in-source.ts";

/** What is kept of somebody who signed in. Times are the store's clock, in milliseconds. */
export interface LoginRecord {
  /** Goes up with the end, which stays on record: a cookie of an epoch before it is worth nothing. */
  readonly epoch: number;
  /** When it ends by itself; ended logins are remembered until then. */
  readonly until: number;
  /** Null where it was ended. */
  readonly login: KnownLogin | null;
}

/** Who signed in, and what their provider needs to hear when they leave. */
export interface KnownLogin {
  /** Without what follows from the record itself. */
  readonly identity: Omit<Identity, "sessionId" | "expiresAt" | "evidenceAt" | "claimsAt">;
  /** When they proved to the provider who they are. */
  readonly evidenceAt: number;
  /** When the provider said who they are: its own session may be older by far. rules R9 */
  readonly claimsAt: number;
  /** The provider's token of the sign-in; null where it was too long to keep. */
  readonly idToken: string | null;
}

/** The logins of somebody at the provider, or of one session there. Times are the store's clock. */
export interface LoginIndex {
  readonly logins: readonly { readonly handle: string; readonly until: number }[];
  /** The issuing time, in the provider's seconds, of the newest order to log out. */
  readonly endedAt: number;
}

/** What a login is called in the store and towards sessions; the cookie's id does not follow from it. */
export const handleOf = (id: string): string => createHash("sha256").update(`login ${id}`).digest("hex");

/** Where a login is kept. */
export const recordNameOf = (handle: string): string => `l.${handle}`;

/** Where the logins of a person or of a session of a provider are kept. */
export const indexNameOf = (issuer: string, kind: "sub" | "sid", value: string): string =>
  `o.${digest([issuer, kind, value])}`;

/** Where it is kept that a logout token was used. */
export const usedNameOf = (issuer: string, jti: string): string => `o.${digest([issuer, "jti", jti])}`;

/** One text for each list of texts. attacks X3 */
const digest = (parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

/** Reads a record; what is over counts as none. */
export function readRecord({ text, now }: Pick<DocumentReading, "text" | "now">): LoginRecord | null {
  const record = text === null ? null : (JSON.parse(text) as LoginRecord);
  return record !== null && record.until > now ? record : null;
}

/** Reads an index without what is over. */
export function readIndex({ text, now }: Pick<DocumentReading, "text" | "now">): LoginIndex {
  const index = text === null ? { logins: [], endedAt: 0 } : (JSON.parse(text) as LoginIndex);
  return { ...index, logins: index.logins.filter(({ until }) => until > now) };
}
