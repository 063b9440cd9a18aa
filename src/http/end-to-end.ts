import { readHeaderName } from "./header-name.ts";
import { connectionNames } from "./hop-by-hop.ts";
import { isHeaderValue, type RawHeaders } from "./raw-headers.ts";

/**
 * The headers that go further than this hop, whatever order they came in. What node could not write is left out: one odd
 * answer must not end the process.
 */
export function endToEndHeaders(raw: RawHeaders): RawHeaders {
  const listed = connectionNames(raw);
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const { lower, isHopByHop, isToken } = readHeaderName(name);
    if (isHopByHop || !isToken || listed.has(lower)) continue;
    if (isHeaderValue(value)) kept.push(name, value);
  }
  return kept;
}
