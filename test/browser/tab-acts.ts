import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import type { Tab } from "./browsers.ts";
import { barsOf } from "./dashboard-parts.ts";
import { lookUntil } from "./looks.ts";

/** Drawing takes a second; on a machine that does much else, many. Milliseconds. */
const patience = 60_000;

/** Waits until an expression is true in the page. */
export async function until(tab: Tab, expression: string): Promise<void> {
  await expect.poll(() => tab.run(expression), { timeout: patience }).toBe(true);
}

/** Presses the first button that a selector finds, once it is there; buttons may still be gliding to their places. */
export async function press(tab: Tab, selector: string): Promise<void> {
  await until(tab, `${found(selector)} !== null`);
  await tab.run(pressed(selector));
}

/** Presses a button until it has gone: a press that comes while it glides to its place is lost. */
export async function pressAway(tab: Tab, selector: string): Promise<void> {
  await press(tab, selector);
  for (let look = 1; look <= 600; look += 1) {
    if ((await tab.run(`${found(selector)} === null`)) === true) return;
    if (look % 40 === 0) await tab.run(pressed(selector));
    await wait(100);
  }
  const all = `document.querySelectorAll(${JSON.stringify(selector)})`;
  const seen = await tab.run(`[...${all}].map((it) => it.outerHTML).join("\\n")`);
  throw new Error(`${selector} stays: ${String(seen)}`);
}

const found = (selector: string): string => `document.querySelector(${JSON.stringify(selector)})`;

/** What is found, or the button in or around it. */
const buttonOf = (selector: string): string =>
  `((it) => it?.querySelector("button") ?? it?.closest("button") ?? it)(${found(selector)})`;

/** Presses; nothing where nothing is. */
const pressed = (selector: string): string => `void ${buttonOf(selector)}?.click()`;

/** The heights of the bars in the window, once there are so many. */
export async function barHeights(tab: Tab, count: number): Promise<readonly number[]> {
  const look = await lookUntil(tab, (seen) => barsOf(seen).length === count, patience);
  return barsOf(look).map(({ top, bottom }) => bottom - top);
}
