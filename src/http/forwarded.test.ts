import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientAddress } from "./forwarded.ts";

const doors = new Set(["10.0.0.1", "10.0.0.2", "fd00::1"]);
const clientOf = (peer: string | undefined, ...values: readonly string[]): string | null =>
  clientAddress(
    peer,
    values.flatMap((value) => ["X-Forwarded-For", value]),
    (address) => doors.has(address),
  );

describe("clientAddress", () => {
  test.each([
    ["a peer that says nothing", ["203.0.113.7"], "203.0.113.7"],
    ["a peer that nobody knows", ["203.0.113.7", "198.51.100.1"], "203.0.113.7"],
    ["a peer that takes itself for a front door", ["203.0.113.7", "10.0.0.1, 10.0.0.2"], "203.0.113.7"],
    ["a front door that says nothing", ["10.0.0.1"], "10.0.0.1"],
    ["a front door", ["10.0.0.1", "198.51.100.1"], "198.51.100.1"],
    ["two front doors", ["10.0.0.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"],
    ["a client that wrote the list before", ["10.0.0.1", "192.0.2.1, 198.51.100.1"], "198.51.100.1"],
    ["a client that names a front door", ["10.0.0.1", "192.0.2.1, 10.0.0.2, 198.51.100.1"], "198.51.100.1"],
    ["a client in a header of its own", ["10.0.0.1", "192.0.2.1", "198.51.100.1"], "198.51.100.1"],
    ["front doors and nobody else", ["10.0.0.1", "10.0.0.2"], "10.0.0.2"],
    ["what is no address", ["10.0.0.1", "198.51.100.1, unknown"], "10.0.0.1"],
    ["a name", ["10.0.0.1", "evil.example"], "10.0.0.1"],
    ["an empty element", ["10.0.0.1", "198.51.100.1, "], "10.0.0.1"],
    ["an address with an interface", ["10.0.0.1", "fe80::1%eth0"], "10.0.0.1"],
    ["an address with a port", ["10.0.0.1", "198.51.100.1:4711"], "198.51.100.1"],
    ["an IPv6 address", ["fd00::1", "2001:DB8::7"], "2001:db8::7"],
    ["an IPv6 address with a port", ["10.0.0.1", "[2001:db8::7]:443"], "2001:db8::7"],
    ["an IPv6 address in brackets", ["10.0.0.1", "[2001:db8::7]"], "2001:db8::7"],
    ["a front door on a socket for both kinds", ["::ffff:10.0.0.1", "198.51.100.1"], "198.51.100.1"],
    ["a client written for both kinds", ["10.0.0.1", "::ffff:198.51.100.1"], "198.51.100.1"],
    ["a peer of the own link", ["fe80::1%eth0"], "fe80::1"],
    ["a broken bracket", ["10.0.0.1", "[2001:db8::7"], "10.0.0.1"],
  ] as const)("%s", (_name, [peer, ...values], expected) => {
    expect(clientOf(peer, ...values)).toBe(expected);
  });

  test("is nobody's where the peer has no address", () => {
    expect(clientOf(undefined, "198.51.100.1")).toBeNull();
    expect(clientOf("", "198.51.100.1")).toBeNull();
  });

  test("is never what a client wrote before the first address that is not believed", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.ipV4())), fc.ipV4(), (forged, client) => {
        fc.pre(!doors.has(client));
        expect(clientOf("10.0.0.1", ...forged, `${client}, 10.0.0.2`)).toBe(client);
      }),
    );
  });
});
