import { BlockList, isIP } from "node:net";
import { createMemo } from "../kernel/memo.ts";

/** A range of addresses, IPv4-mapped IPv6 written as the IPv4 it stands for. */
export interface AddressRange {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  /** Leading bits that are the same for the whole range; 0 is every address. */
  readonly bits: number;
}

/**
 * What stands for the peer of a request that an edge asks about, wherever it asks from: its address is that of a front door,
 * which hands on what browsers send. No socket has it. attacks A8
 */
export const edgePeer = "edge:";

/** Reads an address or a CIDR range, such as `10.0.0.0/8` or `::1`; null for everything else. */
export function parseAddressRange(text: string): AddressRange | null {
  const match = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match?.[1] ?? "";
  const version = isIP(address);
  if (match === null || version === 0) return null;
  const longest = version === 4 ? 32 : 128;
  const bits = match[2] === undefined ? longest : Number(match[2]);
  if (bits > longest) return null;
  const mapped = version === 6 && bits >= 96 ? mappedIpv4(address) : null;
  if (mapped !== null) return { address: mapped, family: "ipv4", bits: bits - 96 };
  return { address, family: version === 4 ? "ipv4" : "ipv6", bits };
}

/** The IPv4 address inside an IPv4-mapped IPv6 address, or null. @see RFC 4291 §2.5.5.2 */
function mappedIpv4(address: string): string | null {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (match === null) return null;
  const high = Number.parseInt(match[1] ?? "", 16);
  const low = Number.parseInt(match[2] ?? "", 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Makes the question "is this address in one of the ranges?"; no address, as on a unix socket, is in none. */
export function createAddressSet(ranges: readonly AddressRange[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const { address, family, bits } of ranges) list.addSubnet(address, bits, family);
  // Earned by: bench 200B. A front door comes from a handful of addresses, and reading one is dear.
  const isIn = createMemo(knownAddresses, (address) => {
    const range = parseAddressRange(withoutZone(address));
    return range !== null && list.check(range.address, range.family);
  });
  return (address) => address !== undefined && isIn(address);
}

/** Addresses whose answer is remembered. */
const knownAddresses = 1000;

/** Node appends the interface to link-local addresses: `fe80::1%eth0`. */
const withoutZone = (address: string): string => address.replace(/%.*$/, "");
