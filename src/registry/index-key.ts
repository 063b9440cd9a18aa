import { createHash, randomBytes } from "node:crypto";
import { storeError, type Documents, type Reading } from "./documents.ts";

/** The key that session keys are derived with, and when it was made. rules R1 */
export interface IndexKey {
  readonly key: Buffer;
  /** The store's clock; the older of two keys is the one that stays. */
  readonly createdAt: number;
}

/** The key that all nodes use from now on, and whether it had to be written. */
export interface AgreedKey extends IndexKey {
  readonly isWritten: boolean;
}

/** Where the index key of a tenant is kept. */
export const indexNameOf = (tenantName: string): string => `i.${digestOf(tenantName)}`;

/** Where is kept what all nodes know of the logins at a tenant. */
export const gateNameOf = (tenantName: string): string => `g.${digestOf(tenantName)}`;

const digestOf = (tenantName: string): string =>
  createHash("sha256").update(tenantName).digest("hex").slice(0, 16);

const keyBytes = 32;

/** Nodes that know it do not write it again, and one that starts after years must find it. Milliseconds. */
const keepFor = 10 * 366 * 86_400_000;

/**
 * Agrees with the other nodes on the index key: the stored one, or `mine` where there is none or mine is older, which
 * happens when a store lost it and a new node made another. Without `mine` a new key is made where there is none.
 *
 * @throws SessionProxyError `QSP-STORE`, also where the stored key was sealed with a secret that this node does not have
 */
export function agreeOnIndexKey(
  documents: Documents,
  name: string,
  mine: IndexKey | null,
): Promise<AgreedKey> {
  const made = mine?.key ?? randomBytes(keyBytes);
  return documents.change<AgreedKey>(name, (reading) => {
    const theirs = parsed(reading);
    const ours = { key: made, createdAt: mine?.createdAt ?? reading.now };
    if (theirs && (mine === null || isOlder(theirs, mine)))
      return { outcome: { ...theirs, isWritten: false }, keepFor };
    const text = JSON.stringify({ key: ours.key.toString("base64url"), createdAt: ours.createdAt });
    return { text, outcome: { ...ours, isWritten: true }, keepFor };
  });
}

function parsed({ text, version }: Reading): IndexKey | null {
  if (text === null && version === 0) return null;
  try {
    const { key, createdAt } = JSON.parse(text ?? "") as { key: string; createdAt: number };
    const bytes = Buffer.from(key, "base64url");
    if (bytes.length === keyBytes && typeof createdAt === "number") return { key: bytes, createdAt };
  } catch {
    // Said below, in words that help.
  }
  throw storeError(
    new Error("its index cannot be read with this secret; another deployment may use the same store"),
  );
}

const isOlder = (a: IndexKey, b: IndexKey): boolean =>
  a.createdAt < b.createdAt || (a.createdAt === b.createdAt && Buffer.compare(a.key, b.key) <= 0);
