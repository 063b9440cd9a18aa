import { randomUUID } from "node:crypto";
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** Keeps a folder for one process. */
export interface FolderLock {
  /** Whether this process still has the folder; says to others that it does. Takes it again if nobody has it. */
  hold(now: number): boolean;
  release(): void;
}

/** Thrown when another process has the folder; its message says which. */
export class FolderTakenError extends Error {
  override readonly name = "FolderTakenError";
}

/** The name of the lock in its folder. */
const lockName = "lock";

/**
 * The owner says every minute that it lives; where only this can tell, three times in vain mean that it does not.
 * Milliseconds.
 */
const longestSilence = 180_000;

/** Attempts at a lock that others are taking or leaving at this very moment. */
const mostAttempts = 10;

/** Who has a folder. */
interface Owner {
  /** Unique to a taking. */
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the machine's own terms, so that another one with its number is told apart; "" = unknown. */
  readonly start: string;
}

/**
 * Takes a folder.
 *
 * A lock that a dead process left is taken over. Whether its process lives is asked of the machine, if it is this one;
 * of another machine (or container) that shares the folder, only how long it has been silent is known.
 *
 * @throws FolderTakenError where another process has it; the file system's error where it cannot be written to.
 */
export function lockFolder(folder: string, now: number): FolderLock {
  const path = join(folder, lockName);
  const own: Owner = { id: randomUUID(), pid: process.pid, host: hostname(), start: startOf(process.pid) };
  const text = `${JSON.stringify(own)}\n`;
  take(path, text, now);
  return {
    hold(at) {
      const found = readLock(path);
      if (found === null) return create(path, text, at);
      if (found !== text) return false;
      touch(path, at);
      return true;
    },
    release() {
      try {
        if (readLock(path) === text) rmSync(path, { force: true });
      } catch {
        // A lock that stays is a dead process's soon.
      }
    },
  };
}

function take(path: string, text: string, now: number): void {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    if (create(path, text, now)) return;
    const found = readLock(path);
    if (found === null) continue;
    const owner = toOwner(found);
    if (isLiving(owner, path, now)) throw new FolderTakenError(describe(owner, path));
    setAside(path, found);
  }
  throw new FolderTakenError(`${path} changes hands all the time`);
}

/** Makes the lock; false where there is one. */
function create(path: string, text: string, now: number): boolean {
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
  touch(path, now);
  return true;
}

/** Takes a dead process's lock away, and puts it back if somebody has made it their own in the meantime. */
function setAside(path: string, dead: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isCode(error, "ENOENT")) return;
    throw error;
  }
  if (readLock(aside) === dead) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

function readLock(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw error;
  }
}

function toOwner(text: string): Owner | null {
  try {
    const { id, pid, host, start } = JSON.parse(text) as Record<string, unknown>;
    const isOwner =
      typeof id === "string" &&
      typeof host === "string" &&
      typeof start === "string" &&
      Number.isSafeInteger(pid) &&
      (pid as number) > 0;
    return isOwner ? { id, pid: pid as number, host, start } : null;
  } catch {
    return null;
  }
}

function isLiving(owner: Owner | null, path: string, now: number): boolean {
  if (owner !== null && owner.host === hostname()) return isRunning(owner);
  const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return now - changed < longestSilence;
}

function isRunning({ pid, start }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not allowed to signal it: then it is there.
    if (!isCode(error, "EPERM")) return false;
  }
  const found = startOf(pid);
  return found === "" || start === "" || found === start;
}

const procStat = (pid: number): string => `/proc/${pid}/stat`;
const bootId = "/proc/sys/kernel/random/boot_id";

/** Places among the fields of /proc/PID/stat after the name, which may hold blanks itself. @see proc_pid_stat(5) */
const stateField = 0;
const startField = 19;

/** When a process started; "" where the machine does not say, "gone" where only its exit status is left. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(procStat(pid), "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const state = fields[stateField] ?? "";
    if (state === "Z" || state === "X") return "gone";
    return `${readFileSync(bootId, "latin1").trim()}/${fields[startField] ?? ""}`;
  } catch {
    return "";
  }
}

function describe(owner: Owner | null, path: string): string {
  if (owner === null) return `${path} was made by something else; remove it if nothing uses the folder`;
  const { pid, host } = owner;
  if (host !== hostname())
    return `process ${pid} of the machine ${host} has it; remove ${path} if that process is gone`;
  return pid === process.pid ? `this process (${pid}) has it already` : `process ${pid} has it`;
}

function touch(path: string, now: number): void {
  utimesSync(path, now / 1000, now / 1000);
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
