import { isHeaderName, isHeaderValue, type RawHeaders } from "./raw-headers.ts";

/** Headers that concern one connection only. @see RFC 9110 §7.6.1 */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Tells whether a header ends at this hop, whatever the peer says; `lowerName` is in lower case. */
export function isHopByHop(lowerName: string): boolean {
  return hopByHop.has(lowerName);
}

const none: ReadonlySet<string> = new Set();

/**
 * Collects the names that the peer's `Connection` headers list, in lower case.
 * They may take away only what the peer itself sent: our own headers are added afterwards.
 */
export function connectionNames(raw: RawHeaders): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    for (const part of (raw[i + 1] as string).split(",")) {
      const listed = part.trim().toLowerCase();
      if (listed !== "") (names ??= new Set()).add(listed);
    }
  }
  return names ?? none;
}

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
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || listed.has(lower)) continue;
    if (isHeaderName(name) && isHeaderValue(value)) kept.push(name, value);
  }
  return kept;
}
