import { afterEach } from "vitest";
import { startRawUpstream, type RawHandler, type RawUpstream } from "./raw-upstream.ts";
import { startStack, type Stack, type StackOptions } from "./stack.ts";

/** Starts what a test needs; everything is closed after it, proxies before the tenants behind them. */
export interface Started {
  /** A local tenant and a proxy. */
  stack(options?: StackOptions): Promise<Stack>;
  /** A raw tenant and a proxy. */
  raw(handler?: RawHandler, options?: StackOptions): Promise<RawStack>;
  /** Closes something else with the rest. */
  keep<Kept extends { close(): unknown }>(kept: Kept): Kept;
}

/** A proxy in front of a tenant on a raw socket. */
export interface RawStack {
  readonly stack: Stack;
  readonly upstream: RawUpstream;
}

/** Every method that may carry a body somewhere, on a path of its own. */
export const echoRule = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS /api/v1/echo/**";

/** To be called once by each test file: it registers the closing. */
export function cleanedUp(): Started {
  const open: { close(): unknown }[] = [];
  const keep = <Kept extends { close(): unknown }>(kept: Kept): Kept => {
    open.push(kept);
    return kept;
  };
  const stack = async (options?: StackOptions): Promise<Stack> => keep(await startStack(options));
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  return {
    keep,
    stack,
    async raw(handler, options = {}) {
      const upstream = keep(await startRawUpstream(handler));
      const proxy = { policy: { presets: ["embed", "embed-write"], allow: [echoRule] }, ...options.proxy };
      return { upstream, stack: await stack({ ...options, tenantOrigin: upstream.origin, proxy }) };
    },
  };
}
