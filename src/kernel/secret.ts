import { inspect } from "node:util";

/** What every printed form of a secret says instead of it. */
const MASK = "[secret]";

/** A text that no log line, error message, JSON document or inspection can show by accident. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Gives the text itself; the one call to search for when asking where a secret goes. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }
}

/** The text of a secret, whichever way it was given. */
export const revealed = (text: string | Secret): string => (typeof text === "string" ? text : text.reveal());

// Outside the class, because a computed method name has no declared type of its own.
Object.defineProperty(Secret.prototype, inspect.custom, { value: () => MASK });
