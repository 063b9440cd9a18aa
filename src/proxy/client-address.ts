import { clientAddress } from "../http/forwarded.ts";
import { createAddressSet, parseAddressRange } from "../identity/address-set.ts";
import type { RequestHead } from "./request-head.ts";

/** Says which address the tenant is told that a request comes from; null where it is told none. */
export type ClientAddress = (request: Pick<RequestHead, "rawHeaders" | "socket">) => string | null;

/**
 * Creates the question, for the front doors of the option `trustedProxies`. Where none is named, a peer may be one that
 * nobody told of: its address says nothing of the client and something of the network behind it, so the tenant hears
 * nothing. product B2, attacks H1
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const ranges = trustedProxies.flatMap((text) => parseAddressRange(text) ?? []);
  if (ranges.length === 0) return () => null;
  const isBelieved = createAddressSet(ranges);
  return ({ socket, rawHeaders }) => clientAddress(socket.remoteAddress, rawHeaders, isBelieved);
}
