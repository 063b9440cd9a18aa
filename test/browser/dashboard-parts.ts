import type { Locator, Page } from "playwright-core";
import { type DashboardContent, sampleContent } from "../../src/portal/dashboard-content.ts";
import type { ColoredArea } from "./colored-areas.ts";
import type { Look } from "./looks.ts";

const { charts }: DashboardContent = sampleContent;

/** The card around one of the dashboard's charts. */
export function chartCard(page: Page, chart: keyof DashboardContent["charts"]): Locator {
  return page.locator(".card", { has: page.locator(`qlik-embed[object-id="${charts[chart]}"]`) });
}

/** The upright rectangles among the regions: bars that stand on one line, left to right. */
export function barsOf({ areas }: Look): readonly ColoredArea[] {
  const solid = areas.filter(({ left, right, top, bottom, size }) => {
    const [width, height] = [right - left + 1, bottom - top + 1];
    return width >= 12 && height >= 8 && size > 0.9 * width * height;
  });
  const ground = Math.max(0, ...solid.map(({ bottom }) => bottom));
  return solid.filter(({ bottom }) => ground - bottom <= 2);
}

/** How many colours the large regions have: slices of a pie. */
export function colorsOf({ areas }: Look, leastPixels: number): number {
  return new Set(areas.filter(({ size }) => size >= leastPixels).map(({ color }) => color)).size;
}

/** The number in the tile of that label, as the page writes it. */
export async function tile(page: Page, label: string): Promise<string> {
  return page.locator("#tiles .tile", { hasText: label }).locator("strong").innerText();
}
