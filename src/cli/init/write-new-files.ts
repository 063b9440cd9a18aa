import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A file to be written; its name is relative to the folder. */
export interface NewFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** Thrown where a file is there already, or cannot be written; the message is for the operator. */
export class NotWrittenError extends Error {
  override readonly name = "NotWrittenError";
}

/**
 * Writes all files or none, and never over another: they are made in a folder beside, looked at by `check`, and then put in
 * their places.
 *
 * @throws NotWrittenError, and what `check` throws
 */
export function writeNewFiles(
  folder: string,
  files: readonly NewFile[],
  check: (draft: string) => void,
): void {
  const placed: string[] = [];
  let draft: string | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    draft = mkdtempSync(join(folder, ".init-"));
    for (const { name, text, mode } of files) {
      mkdirSync(dirname(join(draft, name)), { recursive: true, mode: 0o700 });
      writeFileSync(join(draft, name), text, { mode, flag: "wx" });
    }
    check(draft);
    for (const { name } of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
      // A link refuses a name that is taken, whenever it was.
      linkSync(join(draft, name), join(folder, name));
      placed.push(join(folder, name));
    }
  } catch (error) {
    for (const file of placed) rmSync(file);
    throw toNotWritten(error, folder);
  } finally {
    if (draft !== undefined) rmSync(draft, { recursive: true, force: true });
  }
}

function toNotWritten(error: unknown, folder: string): unknown {
  const { code, syscall, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (syscall === undefined) return error;
  if (code === "EEXIST" && dest !== undefined)
    return new NotWrittenError(`${dest} exists already and is left as it is; choose another --out`);
  return new NotWrittenError(`cannot write to ${folder} (${code})`);
}
