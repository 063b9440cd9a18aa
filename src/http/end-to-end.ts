import { readHeaderName } from "./header-name.ts";
import { connectionNames } from "./hop-by-hop.ts";
import { isHeaderValue, type RawHeaders } from "./raw-headers.ts";

/** Headers that go further than this hop. */
export interface EndToEndHeaders {
  readonly headers: RawHeaders;
  /** Their names in lower case, one for each. */
  readonly names: readonly string[];
}

/**
 * The headers that go further than this hop, whatever order they came in. What node could not write is left out: one odd
 * answer must not end the process.
 */
export function endToEndHeaders(raw: RawHeaders): EndToEndHeaders {
  const listed = connectionNames(raw);
  const headers: string[] = [];
  const names: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const { lower, isHopByHop, isToken } = readHeaderName(name);
    if (isHopByHop || !isToken || listed.has(lower) || !isHeaderValue(value)) continue;
    headers.push(name, value);
    names.push(lower);
  }
  return { headers, names };
}
