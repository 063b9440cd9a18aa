import type { Picture } from "./png.ts";

/** A connected region of one strong colour in a picture: a bar, a slice, a piece of a line. */
export interface ColoredArea {
  /** Pixels in it. */
  readonly size: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Colour as 0xRRGGBB, each part in steps of 32. */
  readonly color: number;
}

/** How far red, green and blue must be apart for a colour to count as strong: greys, text and grid lines do not. */
const strong = 60;

/** Stands for a pixel without a strong colour, or one that has been counted. */
const none = -1;

/** The strong colour of every pixel, row by row. */
function strongColors({ width, height, pixels }: Picture): Int32Array {
  const colors = new Int32Array(width * height).fill(none);
  for (let index = 0; index < colors.length; index += 1) {
    const red = pixels[index * 4] ?? 0;
    const green = pixels[index * 4 + 1] ?? 0;
    const blue = pixels[index * 4 + 2] ?? 0;
    if (Math.max(red, green, blue) - Math.min(red, green, blue) < strong) continue;
    colors[index] = ((red & 0xe0) << 16) | ((green & 0xe0) << 8) | (blue & 0xe0);
  }
  return colors;
}

/** Walks over the region of one colour around a pixel and takes its pixels off the map. */
function takeArea(picture: Picture, colors: Int32Array, start: number): ColoredArea {
  const { width, height } = picture;
  const color = colors[start] ?? none;
  let size = 0;
  let [left, right, top, bottom] = [width, 0, height, 0];
  const open = [start];
  colors[start] = none;
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const [x, y] = [index % width, Math.floor(index / width)];
    size += 1;
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    const near = [x > 0 ? index - 1 : index, x < width - 1 ? index + 1 : index, index - width, index + width];
    for (const next of near) {
      if (colors[next] !== color) continue;
      colors[next] = none;
      open.push(next);
    }
  }
  return { size, left, right, top, bottom, color };
}

/** Every connected region of one strong colour that has at least so many pixels, left to right. */
export function coloredAreas(picture: Picture, leastPixels = 40): readonly ColoredArea[] {
  const colors = strongColors(picture);
  const areas: ColoredArea[] = [];
  for (let index = 0; index < colors.length; index += 1) {
    if (colors[index] === none) continue;
    const area = takeArea(picture, colors, index);
    if (area.size >= leastPixels) areas.push(area);
  }
  return areas.sort((a, b) => a.left - b.left || a.top - b.top);
}

/** How many columns of the picture have a strong colour in them. */
export function coloredColumns(picture: Picture): number {
  const found = new Set<number>();
  strongColors(picture).forEach((color, index) => {
    if (color !== none) found.add(index % picture.width);
  });
  return found.size;
}
