import { expect } from "vitest";
import { request } from "./acts.ts";
import { attemptAll, expected, type Attempt, type Stage } from "./attempts.ts";
import type { BrowserName, DrivenBrowser, Tab } from "./browsers.ts";
import { prefixes, type ShopWorld } from "./shop-world.ts";

/** The pages that one browser has open, and whose they are. */
export interface Stages {
  /** A page of the other server; one for each origin, however many tests it serves. */
  at(world: ShopWorld, host: string, site: Stage["site"]): Promise<Stage>;
  /** A page of the portal on which somebody has just signed in, with a cookie of these attributes. */
  signIn(world: ShopWorld, given: SignIn): Promise<Stage>;
}

/** How somebody signs in at the portal. */
export interface SignIn {
  readonly user: string;
  /** Attributes of the portal's cookie. */
  readonly cookie: string;
  /** What the portal is to its own page: "-" where browsers do not say. */
  readonly site: Stage["site"];
}

/** The pages of a browser. */
export function createStages(name: BrowserName, browser: DrivenBrowser): Stages {
  const tabs = new Map<string, Tab>();
  const users = new Map<ShopWorld, string>();
  return {
    async at(world, host, site) {
      const origin = world.originOf(host);
      const tab = tabs.get(origin) ?? (await browser.open(origin));
      tabs.set(origin, tab);
      return { browser: name, world, tab, origin, site, user: users.get(world) ?? "" };
    },
    async signIn(world, { user, cookie, site }) {
      users.set(world, user);
      const query = new URLSearchParams({ user, cookie });
      const tab = await browser.open(`${world.portal}/sign-in?${query.toString()}`);
      // Each proxy logs in at the tenant; what is recorded from here on is somebody's doing.
      for (const prefix of prefixes) {
        expect(await tab.run(request(`${prefix}/api/v1/items`))).toBe("basic 200");
      }
      forget(world);
      return { browser: name, world, tab, origin: world.portal, site, user };
    },
  };
}

/** Makes attempts, and compares what came with what should. */
export async function check(stage: Stage, list: readonly Attempt[]): Promise<void> {
  expect(await attemptAll(stage, list)).toEqual(expected(stage, list));
}

/** The same, for attempts of which nothing gets to the tenant. */
export async function checkHeld(stage: Stage, list: readonly Attempt[]): Promise<void> {
  forget(stage.world);
  await check(stage, list);
  expect(takeReached(stage.world)).toEqual([]);
}

/** What reached the tenant since the last look. */
export const takeReached = ({ tenant }: ShopWorld): readonly string[] =>
  tenant.take().map(({ method, url }) => `${method} ${url.split("?", 1)[0]}`);

/** Forgets what came to the portal and to the tenant. */
export function forget({ tenant, visits }: ShopWorld): void {
  tenant.take();
  visits.take();
}
