// Loaded before the product, by the bench alone: every session's connections come out of one pool that all of them share.
// The product does not do this and has no option for it, see docs/decisions/0006-upstream-connections-are-not-shared-between-sessions.md;
// the difference to the unchanged product is the price of that decision.
import process from "node:process";
import { pathToFileURL } from "node:url";

const { Lanes } = await import(pathToFileURL(process.env.BENCH_LANES).href);
const { acquire } = Lanes.prototype;

/** As many connections as the process may have at all. */
const width = 4096;

Lanes.prototype.acquire = function acquireShared(_session, _width, waiter) {
  return acquire.call(this, "everybody", width, waiter);
};
// Who leaves does not take everybody's connections along.
Lanes.prototype.close = () => {};
