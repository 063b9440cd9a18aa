import { ownText } from "./own-text.ts";

/** Longer texts are worked out anew each time: they are rare, and a few of them would hold a lot of memory. */
const longestKept = 512;

/**
 * Remembers what belongs to a text, for at most `most` texts. A full memory begins anew, so that whoever sends ever new
 * texts costs no more than without it.
 */
export class Memo<V> {
  readonly #most: number;
  readonly #known = new Map<string, V>();

  constructor(most: number) {
    this.#most = most;
  }

  get(text: string): V | undefined {
    return this.#known.get(text);
  }

  /** Gives the value back; nothing of it may be cut out of the text, or of one that the text was cut out of. */
  keep(text: string, value: V): V {
    if (text.length > longestKept) return value;
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(ownText(text), value);
    return value;
  }
}

/** Makes a pure function of a text that is worked out once for each. */
export function createMemo<V extends NonNullable<unknown> | null>(
  most: number,
  make: (text: string) => V,
): (text: string) => V {
  const memo = new Memo<V>(most);
  return (text) => {
    const found = memo.get(text);
    return found === undefined ? memo.keep(text, make(ownText(text))) : found;
  };
}
