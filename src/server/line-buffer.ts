import { destination } from "pino";

/** How long a line may wait for others, so that one write takes them all. Milliseconds. */
const longestWait = 100;

/** And how many characters may wait. */
const mostWaiting = 16 * 1024;

/** How much is kept for a reader that does not read; further lines are dropped. Bytes. */
const mostKept = 16 * 1024 * 1024;

/** How long the end waits for such a reader. Milliseconds. */
const longestEnd = 2000;

/**
 * Lines on their way to standard output. Those that may wait are joined, because each write of its own costs as much as a
 * good part of the exchange that it tells of. Earned by: bench 200B.
 */
export class LineBuffer {
  /** The line that tells of lines that were dropped. */
  onDropped: ((lines: number) => string) | null = null;
  /** Lines are written while the process goes on. */
  readonly #output = destination({
    dest: 1,
    sync: false,
    maxLength: mostKept,
    retryEAGAIN: () => performance.now() < this.#endsAt,
  });
  #waiting = "";
  #timer: NodeJS.Timeout | null = null;
  #dropped = 0;
  #hasFailed = false;
  #isDone = false;
  #endsAt = Number.POSITIVE_INFINITY;
  readonly #atExit = (): void => this.flushSync();

  constructor() {
    this.#output.on("error", () => {
      // A reader that has gone away must not end the process.
      this.#hasFailed = true;
    });
    this.#output.on("drop", (lines: string) => {
      this.#dropped += lines.split("\n").length - 1;
    });
    this.#output.on("drain", () => {
      this.#hasFailed = false;
      this.#tellDropped();
    });
    // Before pino's own, which would wait for ever.
    process.prependListener("exit", this.#atExit);
  }

  write(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= mostWaiting) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), longestWait).unref();
  }

  /** Hands over what waits. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting !== "" && !this.#isDone) this.#output.write(this.#waiting);
    this.#waiting = "";
  }

  /** Writes everything out before it returns, as far as somebody reads it, and is done. */
  flushSync(): void {
    process.off("exit", this.#atExit);
    this.flush();
    if (this.#isDone) return;
    this.#isDone = true;
    this.#endsAt = performance.now() + longestEnd;
    try {
      // Where a write has failed it would be tried for ever.
      if (!this.#hasFailed) this.#output.flushSync();
    } catch {
      // Nobody reads it any more.
    }
    // Or pino would try once more at the exit.
    this.#output.destroy();
  }

  #tellDropped(): void {
    if (this.#dropped === 0 || this.onDropped === null) return;
    const line = this.onDropped(this.#dropped);
    this.#dropped = 0;
    this.#output.write(line);
  }
}
