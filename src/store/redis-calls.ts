import { atMost, within } from "../kernel/deadline.ts";

/**
 * So many unanswered calls mean that the server is away; more would only wait in a queue of the client's. Ten times what a
 * thousand users cause who arrive at once.
 */
const mostUnderWay = 10_000;

/**
 * Bounds what is asked of a server: in time, and in number. Clients queue while they are not connected, some without
 * any limit; here a call is refused after its time, and at once when too many wait already.
 */
export class RedisCalls {
  readonly #timeout: number;
  readonly #trouble: () => string | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  /** `timeout`: milliseconds for one call. `trouble`: what is wrong with the connection, if it is known. */
  constructor(timeout: number, trouble: () => string | undefined) {
    this.#timeout = timeout;
    this.#trouble = trouble;
  }

  /** Asks; rejects with a message that holds nothing of what was asked. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error("the store is closed");
    if (this.#underWay.size >= mostUnderWay) {
      throw this.#refusal(`Redis has not answered the last ${mostUnderWay} calls`);
    }
    const late = (): Error => new Error(`Redis has not answered within ${this.#timeout} ms`);
    try {
      return await within(this.#timeout, this.#start(call), late);
    } catch (error) {
      throw this.#refusal(plainMessage(error));
    }
  }

  #refusal(message: string): Error {
    const trouble = this.#trouble();
    return new Error(trouble === undefined || trouble === message ? message : `${message} (${trouble})`);
  }

  #start<T>(call: () => Promise<T>): Promise<T> {
    const work = (async () => call())();
    this.#underWay.add(work);
    const settled = work.then(
      () => {},
      () => {},
    );
    void settled.then(() => this.#underWay.delete(work));
    return work;
  }

  /** Refuses calls from now on, and waits for those under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await atMost(this.#timeout, Promise.allSettled(this.#underWay));
  }
}

/** The message alone: client libraries hang the command with its arguments on their errors, and that may be a password. */
export function plainMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { readonly code?: unknown };
  // An attempt at several addresses has a code, and no message of its own.
  return error.message || (typeof code === "string" ? code : error.name);
}
