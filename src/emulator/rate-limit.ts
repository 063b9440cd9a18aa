import type { EmulatorClock } from "./clock.ts";
import type { TenantModes } from "./modes.ts";

/** Requests a minute by tier: facts §7. */
const tierLimits = { 1: 1000, 2: 100 } as const;

/** Limits are evaluated over windows of 5 minutes: facts §7. */
const WINDOW_MINUTES = 5;

/** What a request counts against. */
export interface RateLimitBucket {
  /** The user, or the peer where no user is known. */
  readonly who: string;
  readonly tier: 1 | 2;
  /** A limit of the path's own: its name and requests a minute. */
  readonly special?: { readonly name: string; readonly perMinute: number };
}

/** Counts requests. */
export interface RateLimiter {
  /** Counts one; returns after how many seconds to come back if it is too many. */
  count(bucket: RateLimitBucket): number | undefined;
}

/** Creates a limiter that does nothing as long as `modes.rateLimit` is off. */
export function createRateLimiter(clock: EmulatorClock, modes: TenantModes): RateLimiter {
  const windows = new Map<string, { readonly until: number; count: number }>();
  return {
    count({ who, tier, special }) {
      if (modes.rateLimit === "off") return undefined;
      const now = clock.now();
      for (const [key, window] of windows) if (window.until <= now) windows.delete(key);
      const key = JSON.stringify([who, special?.name ?? tier]);
      const window = windows.get(key) ?? { until: now + WINDOW_MINUTES * 60_000, count: 0 };
      windows.set(key, window);
      window.count += 1;
      const limit = (special?.perMinute ?? tierLimits[tier]) * WINDOW_MINUTES * modes.rateLimit;
      return window.count > limit ? Math.max(1, Math.ceil((window.until - now) / 1000)) : undefined;
    },
  };
}
