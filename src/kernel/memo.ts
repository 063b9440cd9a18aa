/** Longer texts are worked out anew each time: they are rare, and a few of them would hold a lot of memory. */
const longestKept = 512;

/**
 * Remembers what a pure function gave for a text, for at most `most` texts. A full memory begins anew, so that whoever
 * sends ever new texts costs no more than without it.
 */
export function createMemo<V>(most: number, make: (text: string) => V): (text: string) => V {
  const known = new Map<string, V>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = make(text);
    if (text.length > longestKept) return made;
    if (known.size >= most) known.clear();
    known.set(text, made);
    return made;
  };
}
