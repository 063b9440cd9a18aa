import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";

/**
 * Resolves names below `localhost` to this machine, as browsers do and as RFC 6761 §6.3 asks for; not every system
 * resolver does. All other names go to the system's.
 */
export const lookupWithLoopback: LookupFunction = (hostname, options, callback) => {
  if (!hostname.toLowerCase().endsWith(".localhost")) {
    lookup(hostname, options, callback);
    return;
  }
  process.nextTick(() => {
    if (options.all) callback(null, [{ address: "127.0.0.1", family: 4 }]);
    else callback(null, "127.0.0.1", 4);
  });
};
