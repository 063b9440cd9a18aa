import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { OptionsError } from "../errors.ts";
import type { ProxyEvent } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { type FolderLock, FolderTakenError, lockFolder } from "./folder-lock.ts";
import { MemoryStore } from "./memory-store.ts";
import type { DocumentWrite, WriteOutcome } from "./session-store.ts";
import { DamagedSnapshotError, type NamedDocument, readSnapshot, writeSnapshot } from "./snapshot-file.ts";

/** What a file store is made of. */
export interface FileStoreOptions {
  /** Made if missing, for this user only. Nobody else may keep anything in it. */
  readonly folder: string;
  readonly clock: Clock;
  /** Hears of a damaged snapshot, of the first snapshot that fails and of the first that is written again. */
  readonly onEvent: (event: ProxyEvent) => void;
}

/** How often a snapshot is written, if anything has changed. Milliseconds. */
const saveEvery = 60_000;

/** The name of the snapshot in its folder. */
const snapshotName = "snapshot";

/**
 * Keeps documents in memory, and on disk what they were a minute ago at most, so that the next process of this machine
 * goes on with them.
 *
 * An orderly end loses nothing: `close` writes everything down. A crash loses what was written since the last snapshot,
 * up to a minute of it, the ends of sessions too: whoever logged out in that minute could find the session alive again
 * after the restart, until the host says otherwise. Where that is too much, use Redis.
 *
 * Documents are sealed by whoever writes them; the folder is for its owner only all the same. One process at a time has
 * it.
 */
export class FileStore extends MemoryStore {
  override readonly reach = "host";
  readonly #path: string;
  readonly #lock: FolderLock;
  readonly #tell: FileStoreOptions["onEvent"];
  #cancelSave: () => void = () => {};
  /** Writes since the start, and how many of them the snapshot has. */
  #changes = 0;
  #saved = 0;
  #queue: Promise<void> = Promise.resolve();
  #isFailing = false;
  #closing: Promise<void> | undefined;
  #isReleased = false;

  /** @throws OptionsError where another process has the folder, or it cannot be used */
  constructor({ folder, clock, onEvent }: FileStoreOptions) {
    const lock = openFolder(folder, clock.now());
    const path = join(folder, snapshotName);
    const now = clock.now();
    const documents = readOrSetAside(path, now, onEvent);
    super(
      clock,
      documents.filter(([, { until }]) => until > now),
    );
    this.#path = path;
    this.#lock = lock;
    this.#tell = onEvent;
    this.#saveLater();
  }

  override write(name: string, write: DocumentWrite): Promise<WriteOutcome> {
    const before = this.documents.get(name);
    const outcome = super.write(name, write);
    if (this.documents.get(name) !== before) this.#changes += 1;
    return outcome;
  }

  /** Writes down now what has changed; rejects where this fails. */
  flush(): Promise<void> {
    const done = this.#queue.then(() => this.#save());
    this.#queue = done.catch(() => {});
    return done;
  }

  override close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    this.#cancelSave();
    // First, so that a write is either in the snapshot or refused.
    await super.close();
    try {
      await this.flush();
    } catch (error) {
      if (this.#saved !== this.#changes) this.#lost(error);
    }
    this.#isReleased = true;
    this.#lock.release();
  }

  #saveLater(): void {
    this.#cancelSave = this.clock.setTimer(saveEvery, () => {
      void this.flush().then(
        () => this.#worked(),
        (error: unknown) => this.#failed(error),
      );
      this.#saveLater();
    });
  }

  async #save(): Promise<void> {
    // The folder may be another's by now.
    if (this.#isReleased) return;
    if (!this.#lock.hold(this.clock.now()))
      throw new FolderTakenError("another process has taken the folder");
    if (this.#saved === this.#changes) return;
    const changes = this.#changes;
    const now = this.clock.now();
    // All of one moment, and still so when others are written meanwhile: a document is replaced, never changed.
    await writeSnapshot(
      this.#path,
      [...this.documents].filter(([, { until }]) => until > now),
    );
    this.#saved = changes;
  }

  #lost(error: unknown): void {
    this.#tell({
      event: "store.unwritten",
      level: "error",
      reason: `${this.#path} cannot be written at the end (${reasonOf(error)}): what changed since the last snapshot is lost`,
    });
  }

  #worked(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#tell({ event: "store.written", level: "info", reason: `${this.#path} is written again` });
  }

  #failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#tell({
      event: "store.unwritten",
      level: "warn",
      reason: `${this.#path} cannot be written (${reasonOf(error)}): sessions are kept in memory, and it is tried again every minute`,
    });
  }
}

function openFolder(folder: string, now: number): FolderLock {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return lockFolder(folder, now);
  } catch (error) {
    const message =
      error instanceof FolderTakenError
        ? `file:${folder} is in use: ${error.message}. One process at a time can have it; several share a Redis store`
        : `file:${folder} cannot be used: ${reasonOf(error)}`;
    throw new OptionsError([{ path: "store", message }]);
  }
}

/** A snapshot that cannot be read is kept for whoever wants to look into it, and costs everybody one login. */
function readOrSetAside(
  path: string,
  now: number,
  onEvent: FileStoreOptions["onEvent"],
): readonly NamedDocument[] {
  try {
    return readSnapshot(path);
  } catch (error) {
    const aside = `${path}.damaged-${new Date(now).toISOString().replaceAll(":", "-")}`;
    onEvent({
      event: "store.damaged",
      level: "warn",
      reason: `${path} ${problemOf(error)}: ${setAside(path, aside)}; no session is known`,
    });
    return [];
  }
}

const problemOf = (error: unknown): string =>
  error instanceof DamagedSnapshotError ? error.message : `cannot be read (${reasonOf(error)})`;

function setAside(path: string, aside: string): string {
  try {
    renameSync(path, aside);
    return `it is now ${aside}`;
  } catch (error) {
    return `it cannot be set aside (${reasonOf(error)})`;
  }
}

/** What the file system says of a failure, or why the folder is not ours. */
const reasonOf = (error: unknown): string =>
  error instanceof FolderTakenError
    ? error.message
    : error instanceof Error && "code" in error
      ? String(error.code)
      : "unknown error";
