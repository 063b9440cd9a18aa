import { createMemo } from "../kernel/memo.ts";
import { isHopByHop } from "./hop-by-hop.ts";
import { isHeaderName } from "./raw-headers.ts";

/** What the name of a header says by itself. */
export interface HeaderName {
  readonly lower: string;
  /** Whether it ends at this hop, whatever the peer says. */
  readonly isHopByHop: boolean;
  /** Whether it is a name at all. */
  readonly isToken: boolean;
}

/** Names that are remembered: peers send the same few dozen again and again. */
export const knownNames = 1000;

/** Reads a name as it stands on the wire. Earned by: bench 200B. */
export const readHeaderName: (name: string) => HeaderName = createMemo(knownNames, (name) => {
  const lower = name.toLowerCase();
  return { lower, isHopByHop: isHopByHop(lower), isToken: isHeaderName(name) };
});
