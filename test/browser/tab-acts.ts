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
  const found = `document.querySelector(${JSON.stringify(selector)})`;
  await until(tab, `${found} !== null`);
  await tab.run(
    `((it) => void (it.querySelector("button") ?? it.closest("button") ?? it).click())(${found})`,
  );
}

/** The heights of the bars in the window, once there are so many. */
export async function barHeights(tab: Tab, count: number): Promise<readonly number[]> {
  const look = await lookUntil(tab, (seen) => barsOf(seen).length === count, patience);
  return barsOf(look).map(({ top, bottom }) => bottom - top);
}
