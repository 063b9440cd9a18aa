import { setTimeout as wait } from "node:timers/promises";
import { coloredAreas, coloredColumns, type ColoredArea } from "./colored-areas.ts";
import { decodePng } from "./png.ts";

/** A page, or a part of one, that a picture can be taken of. */
export interface Visible {
  screenshot(options: { readonly animations: "disabled" }): Promise<Buffer>;
}

/** What it looks like. */
export interface Look {
  /** Its regions of strong colour, left to right. */
  readonly areas: readonly ColoredArea[];
  /** How many of its pixel columns have a strong colour somewhere; what a thin line crosses. */
  readonly coloredColumns: number;
}

/** A picture and what is on it; the same picture need not be read twice. */
async function take(part: Visible, before?: Buffer, known?: Look): Promise<readonly [Buffer, Look]> {
  const bytes = await part.screenshot({ animations: "disabled" });
  if (known !== undefined && before?.equals(bytes)) return [bytes, known];
  const picture = decodePng(bytes);
  return [bytes, { areas: coloredAreas(picture), coloredColumns: coloredColumns(picture) }];
}

/** Looks, once two looks in a row see the same. */
export async function lookAt(part: Visible): Promise<Look> {
  let [bytes, look] = await take(part);
  for (let attempt = 0; attempt < 40; attempt += 1) {
    await wait(150);
    const before = { bytes, text: JSON.stringify(look) };
    [bytes, look] = await take(part, before.bytes, look);
    if (JSON.stringify(look) === before.text) return look;
  }
  throw new Error("The drawing does not come to rest");
}

/** Looks until what is seen is as expected; answers the last look, so that a failure shows what was there. */
export async function lookUntil(
  part: Visible,
  expected: (look: Look) => boolean,
  patience = 15_000,
): Promise<Look> {
  const deadline = Date.now() + patience;
  for (;;) {
    const look = await lookAt(part);
    if (expected(look) || Date.now() > deadline) return look;
    await wait(200);
  }
}
