import type { BrowserName, Tab } from "./browsers.ts";
import type { ShopWorld } from "./shop-world.ts";
import type { Visit } from "./visits.ts";

/** Something that a page does, and what the portal sees of it. */
export interface Attempt {
  readonly name: string;
  /** Path at the portal. */
  readonly path: string;
  /** Whether it opens a window by itself, which browsers allow once for each act. */
  readonly opens?: true;
  /** The expression that does it to an address. */
  readonly act: (url: string) => string;
  /**
   * Method, `Sec-Fetch-Site` ("SITE" for what the stage says), `-Mode` and `-Dest`, the origin if there is one, and the
   * row of the site guard that refused or the status; "nothing" where the browser does not even ask.
   */
  readonly seen: string | Readonly<Record<BrowserName, string>>;
}

/** Puts an attempt together as a line of a table. */
export const attempt = (name: string, path: string, act: Attempt["act"], seen: Attempt["seen"]): Attempt => ({
  name,
  path,
  act,
  seen,
});

/** The same for one that opens a window by itself. */
export const opening = (...[name, path, act, seen]: Parameters<typeof attempt>): Attempt => ({
  ...attempt(name, path, act, seen),
  opens: true,
});

/** Where attempts are made. */
export interface Stage {
  readonly browser: BrowserName;
  readonly world: ShopWorld;
  readonly tab: Tab;
  /** Origin of the page in the tab. */
  readonly origin: string;
  /** What the portal is to that page. */
  readonly site: "same-origin" | "same-site" | "cross-site" | "-";
  /** Who is signed in at the portal. */
  readonly user: string;
  /** Where the attempts lead, if not to the portal under its own name. */
  readonly target?: string;
}

/** What a page hears that learns nothing; `true` is a beacon's word that it was sent. */
const silence: readonly unknown[] = [undefined, true, "error", "TypeError", "NetworkError", "SecurityError"];

/** How long an act may take. Milliseconds. */
const patience = 20_000;

let attempts = 0;

/** Says what a browser told of a request, and what became of it. */
export function describeVisit(visit: Visit, { world, origin, user }: Stage): string {
  const { method, headers, status, reason } = visit;
  const metadata = ["site", "mode", "dest"].map((name) => headers[`sec-fetch-${name}`] ?? "-").join(" ");
  const from = headers.origin === origin ? "its origin" : headers.origin;
  const who = world.userOf(headers) === user ? "" : ", without the user";
  const verdict = reason?.replace("site guard, ", "") ?? status;
  return `${method} ${metadata}${from === undefined ? "" : ` from ${from}`}${who}: ${verdict}`;
}

/** Runs an act; "unheard" if the page never comes to an end with it. */
async function run(tab: Tab, expression: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve("unheard"), patience)));
  try {
    return await Promise.race([tab.run(expression), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function make(stage: Stage, { name, path, act, seen }: Attempt): Promise<readonly [string, string]> {
  const { visits, portal } = stage.world;
  const target = stage.target ?? portal;
  attempts += 1;
  const canary = `canary=${attempts}.`;
  const heard = await run(stage.tab, act(`${target}${path}?${canary}`));
  const visit = expectedIn(stage, seen) === "nothing" ? visits.find(canary) : await visits.first(canary);
  const came = visit === undefined ? "nothing" : describeVisit(visit, stage);
  return [name, silence.includes(heard) ? came : `${came}, hears ${String(heard)}`];
}

/** Makes attempts, as many at once as browsers allow. */
export async function attemptAll(stage: Stage, list: readonly Attempt[]): Promise<Record<string, string>> {
  const atOnce = Promise.all(list.filter(({ opens }) => !opens).map((each) => make(stage, each)));
  const inTurn: (readonly [string, string])[] = [];
  for (const each of list.filter(({ opens }) => opens)) inTurn.push(await make(stage, each));
  return Object.fromEntries([...(await atOnce), ...inTurn]);
}

const expectedIn = ({ browser, site }: Stage, seen: Attempt["seen"]): string =>
  (typeof seen === "string" ? seen : seen[browser]).replace("SITE", site);

/** What should be seen of attempts on a stage. */
export function expected(stage: Stage, list: readonly Attempt[]): Record<string, string> {
  return Object.fromEntries(list.map(({ name, seen }) => [name, expectedIn(stage, seen)]));
}
