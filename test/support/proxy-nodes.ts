import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { startNamedTenant, type NamedTenant } from "./named-tenant.ts";
import type { RawAnswer } from "./raw-client.ts";
import { settle } from "./session-nodes.ts";
import { NodeStore, SharedMemoryStore } from "./shared-memory-store.ts";
import type { Stack, StackOptions } from "./stack.ts";
import type { Started } from "./started.ts";

/** One proxy of several, and its way to the store. */
export interface ProxyNode {
  readonly stack: Stack;
  readonly store: NodeStore;
}

/** Proxies with servers of their own over one store and one tenant, on a clock that the test moves. */
export interface ProxyNodes {
  readonly tenant: NamedTenant;
  readonly core: SharedMemoryStore;
  readonly clock: ManualClock;
  /** Starts one more. */
  start(options?: NodeOptions): Promise<ProxyNode>;
  /** Lets time pass in small steps, with all that follows from it within this process. */
  pass(ms: number, stride?: number): Promise<void>;
}

export interface NodeOptions {
  readonly proxy?: StackOptions["proxy"];
  /** Another clock than the shared one. */
  readonly clock?: ManualClock;
}

export const nodeSecret: string = "a secret of several nodes, 32 bytes";

/** Prepares tenant, store and clock; the test starts the nodes. */
export async function startProxyNodes(started: Started): Promise<ProxyNodes> {
  const clock = createManualClock();
  const core = new SharedMemoryStore(clock);
  const tenant = started.keep(await startNamedTenant());
  return {
    tenant,
    core,
    clock,
    async start({ proxy, clock: own = clock } = {}) {
      const store = new NodeStore(core);
      const stack = await started.stack({
        tenantOrigin: tenant.origin,
        clock: own,
        proxy: { store, secret: nodeSecret, ...proxy },
      });
      return { stack, store };
    },
    async pass(ms, stride = 250) {
      await settle();
      for (let passed = 0; passed < ms; passed += stride) {
        clock.advance(Math.min(stride, ms - passed));
        await settle();
      }
    },
  };
}

/** A request under way on a clock that stands still: time is let pass until it is answered. */
export async function answered(world: ProxyNodes, asked: Promise<RawAnswer>): Promise<RawAnswer> {
  let answer: RawAnswer | undefined;
  const waiting = asked.then((each) => (answer = each));
  for (let turn = 0; turn < 400 && answer === undefined; turn += 1) {
    await world.pass(100, 100);
    await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 2))]);
  }
  return waiting;
}
