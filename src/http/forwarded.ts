import { isIP, isIPv4 } from "node:net";
import { headerValues, type RawHeaders } from "./raw-headers.ts";

/**
 * Finds out which address a request comes from.
 *
 * `X-Forwarded-For` is read from its end, for as long as it was written by somebody who is believed: the peer first,
 * then each front door that the one behind it names. The first that is not believed is the client; what stands further
 * left is its own word. Null where the peer has no address, as on a unix socket.
 */
export function clientAddress(
  peer: string | undefined,
  raw: RawHeaders,
  isBelieved: (address: string) => boolean,
): string | null {
  if (peer === undefined || peer === "") return null;
  let client = canonical(peer);
  const chain = headerValues(raw, "x-forwarded-for").join(",").split(",");
  for (let i = chain.length - 1; i >= 0 && isBelieved(client); i -= 1) {
    const next = addressOf((chain[i] as string).trim());
    if (next === null) break;
    client = next;
  }
  return client;
}

/** The address in an element of the list, which some front doors write with a port; null if it is none. */
function addressOf(element: string): string | null {
  const bare = /^\[(?<v6>[^\]]*)\](?::\d{1,5})?$/.exec(element)?.groups?.["v6"];
  const address = bare ?? element.replace(/^(?<v4>[\d.]+):\d{1,5}$/, "$<v4>");
  return isIP(address) === 0 || address.includes("%") ? null : canonical(address);
}

/** An address without its interface, and an IPv4 address as such where a socket for both kinds gives it. */
function canonical(address: string): string {
  const bare = address.replace(/%.*$/, "").toLowerCase();
  const mapped = bare.startsWith("::ffff:") ? bare.slice("::ffff:".length) : "";
  return isIPv4(mapped) ? mapped : bare;
}
