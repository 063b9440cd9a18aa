/** A verb of the command line. */
export interface Verb {
  /** What `--help` prints. */
  readonly help: string;
  /** Does it; resolves with the exit code: 0 done, 1 what was checked is wrong or failed. @throws UsageError */
  run(args: readonly string[]): Promise<number>;
}

/** Thrown for a command line that says nothing that can be done; the message is a one-line hint. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Writes a line to standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a line to standard error. */
export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
