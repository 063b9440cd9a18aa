import { createHash, type Hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { KeptDocument } from "./memory-store.ts";

/** A document under its name. */
export type NamedDocument = readonly [name: string, document: KeptDocument];

/**
 * The form of a snapshot: lines of JSON. The first names the form, the last has the number of documents and the digest of
 * all lines before it, so that a file that was cut off, changed, or is something else is told apart.
 */
const form = "qlik-session-proxy snapshot 1";

/** Thrown for a file that is not a whole snapshot; its message says why, without a word of what is in it. */
export class DamagedSnapshotError extends Error {
  override readonly name = "DamagedSnapshotError";
}

/**
 * Writes so much, in characters, before the event loop has its turn again: about a millisecond's work, so that requests
 * are not held up by a hundred thousand documents.
 */
const sliceLength = 262_144;

/**
 * Writes a snapshot: beside the old one, for its owner only, and in its place when it is safely on the disk. Whatever
 * goes wrong on the way, the process's end included, the old one stays whole.
 */
export async function writeSnapshot(path: string, documents: readonly NamedDocument[]): Promise<void> {
  const draft = `${path}.new`;
  // A draft that a dead process left, or anything else of that name: never written into.
  await rm(draft, { force: true });
  const file = await open(draft, "wx", 0o600);
  try {
    await writeLines(file, documents);
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
  await file.close();
  await rename(draft, path);
  await syncFolder(dirname(path));
}

async function writeLines(file: FileHandle, documents: readonly NamedDocument[]): Promise<void> {
  const digest = createHash("sha256");
  let slice = toLine({ form });
  for (const [name, { version, until, value }] of documents) {
    slice += toLine([name, version, until, value]);
    if (slice.length < sliceLength) continue;
    await writeSlice(file, slice, digest);
    slice = "";
  }
  await writeSlice(file, slice, digest);
  await file.writeFile(toLine({ documents: documents.length, sha256: digest.digest("hex") }));
}

async function writeSlice(file: FileHandle, slice: string, digest: Hash): Promise<void> {
  const bytes = Buffer.from(slice);
  digest.update(bytes);
  // Writes on from where the last one ended.
  await file.writeFile(bytes);
}

const toLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** A renamed file is only as lasting as its folder's entry. Not every system can do this; the snapshot is whole without. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/**
 * Reads a snapshot; no documents where there is none.
 *
 * @throws DamagedSnapshotError where the file is not a whole snapshot, and the file system's error where it cannot be read
 */
export function readSnapshot(path: string): readonly NamedDocument[] {
  const bytes = readIfThere(path);
  if (bytes === null) return [];
  const lastLine = bytes.lastIndexOf("\n", -2) + 1;
  const lines = toLines(bytes.subarray(0, lastLine));
  const first = lines.next();
  if (first.done === true || !isObject(first.value) || first.value["form"] !== form)
    throw new DamagedSnapshotError("is no snapshot of this version");
  const last = parse(bytes.subarray(lastLine));
  const digest = createHash("sha256").update(bytes.subarray(0, lastLine)).digest("hex");
  if (!isObject(last) || last["sha256"] !== digest) throw new DamagedSnapshotError("was cut off or changed");
  const documents = [...lines].map(toDocument);
  if (last["documents"] !== documents.length) throw new DamagedSnapshotError("has lines too many or too few");
  return documents;
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Line by line, because all of it may be longer than a text can be. */
function* toLines(bytes: Buffer): Generator<unknown, undefined> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf("\n", from);
    const to = end === -1 ? bytes.length : end;
    yield parse(bytes.subarray(from, to));
    from = to + 1;
  }
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function toDocument(line: unknown): NamedDocument {
  const [name, version, until, value] = Array.isArray(line) ? (line as readonly unknown[]) : [];
  const isWhole =
    typeof name === "string" &&
    typeof version === "number" &&
    typeof until === "number" &&
    typeof value === "string" &&
    Number.isSafeInteger(version) &&
    version > 0;
  if (!isWhole) throw new DamagedSnapshotError("has a line that is no document");
  return [name, { version, until, value }];
}
