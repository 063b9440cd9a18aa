import type { Picture } from "./png.ts";

/** A connected region of one strong colour in a picture: a bar, a slice, a piece of a line. */
export interface ColoredArea {
  /** Pixels in it. */
  readonly size: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Colour as `r,g,b`, each in steps of 32. */
  readonly color: string;
}

/** How far red, green and blue must be apart for a colour to count as strong: greys, text and grid lines do not. */
const strong = 60;

function colorAt({ pixels }: Picture, index: number): string | undefined {
  const [red, green, blue] = [pixels[index * 4] ?? 0, pixels[index * 4 + 1] ?? 0, pixels[index * 4 + 2] ?? 0];
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < strong) return undefined;
  return [red, green, blue].map((each) => each & 0xe0).join(",");
}

/** Walks over the region of one colour around a pixel and takes its pixels off the map. */
function takeArea(picture: Picture, colors: (string | undefined)[], start: number): ColoredArea {
  const { width } = picture;
  const color = colors[start] ?? "";
  let size = 0;
  let [left, right, top, bottom] = [width, 0, picture.height, 0];
  const open = [start];
  colors[start] = undefined;
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const [x, y] = [index % width, Math.floor(index / width)];
    size += 1;
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    const near = [x > 0 ? index - 1 : -1, x < width - 1 ? index + 1 : -1, index - width, index + width];
    for (const next of near) {
      if (colors[next] !== color) continue;
      colors[next] = undefined;
      open.push(next);
    }
  }
  return { size, left, right, top, bottom, color };
}

/** Every connected region of one strong colour that has at least so many pixels, left to right. */
export function coloredAreas(picture: Picture, leastPixels = 40): readonly ColoredArea[] {
  const colors = Array.from({ length: picture.width * picture.height }, (_, index) =>
    colorAt(picture, index),
  );
  const areas: ColoredArea[] = [];
  for (let index = 0; index < colors.length; index += 1) {
    if (colors[index] === undefined) continue;
    const area = takeArea(picture, colors, index);
    if (area.size >= leastPixels) areas.push(area);
  }
  return areas.sort((a, b) => a.left - b.left || a.top - b.top);
}
