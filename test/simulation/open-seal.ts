import type { Seal } from "../../src/store/seal.ts";

/**
 * A seal that anybody can open: sealing has tests of its own, and takes a third of the time of a simulation. A text
 * that is moved to another place does not open, as with the real one.
 */
export const openSeal: Seal = {
  seal: (name, text) => `${name}|${text}`,
  open(name, sealed) {
    if (!sealed.startsWith(`${name}|`)) return null;
    return { text: sealed.slice(name.length + 1), isCurrent: true };
  },
};
