import { destination } from "pino";

/** How long a line may wait for others, so that one write takes them all. Milliseconds. */
const longestWait = 100;

/** And how many characters may wait. */
const mostWaiting = 16 * 1024;

/**
 * Lines on their way to standard output. Those that may wait are joined, because each write of its own costs as much as a
 * good part of the exchange that it tells of. Earned by: bench 200B.
 */
export class LineBuffer {
  /** Lines are written while the process goes on. */
  readonly #output = destination({ dest: 1, sync: false });
  #waiting = "";
  #timer: NodeJS.Timeout | null = null;
  readonly #atExit = (): void => this.flushSync();

  constructor() {
    // A reader that has gone away must not end the process.
    this.#output.on("error", () => {});
    process.on("exit", this.#atExit);
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
    if (this.#waiting !== "") this.#output.write(this.#waiting);
    this.#waiting = "";
  }

  /** Writes everything out before it returns, and is done. */
  flushSync(): void {
    process.off("exit", this.#atExit);
    this.flush();
    try {
      this.#output.flushSync();
    } catch {
      // Nobody reads it any more.
    }
  }
}
