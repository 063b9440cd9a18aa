import type { RawHeaders } from "./raw-headers.ts";

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
