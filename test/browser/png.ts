import { inflateSync } from "node:zlib";

/** A decoded picture: four bytes a pixel, red, green, blue, opacity. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

const bytesPerPixel: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function estimate(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  return filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
}

/** Undoes the filter of one row in place, see PNG (third edition) §9.2. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, step: number): void {
  for (let at = 0; at < row.length; at += 1) {
    const left = at >= step ? (row[at - step] ?? 0) : 0;
    const corner = at >= step ? (above[at - step] ?? 0) : 0;
    row[at] = ((row[at] ?? 0) + estimate(filter, left, above[at] ?? 0, corner)) & 255;
  }
}

/** Reads a screenshot: eight bits a channel, with or without opacity, not interlaced. */
export function decodePng(bytes: Buffer): Picture {
  let [width, height, step] = [0, 0, 0];
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      step = bytesPerPixel[body[9] ?? -1] ?? 0;
      if (body[8] !== 8 || step === 0 || body[12] !== 0) throw new Error("This kind of PNG is not read");
    } else if (type === "IDAT") parts.push(body);
    at += length + 12;
  }
  return toPicture(inflateSync(Buffer.concat(parts)), { width, height, step });
}

function toPicture(data: Buffer, size: { width: number; height: number; step: number }): Picture {
  const { width, height, step } = size;
  const pixels = new Uint8Array(width * height * 4).fill(255);
  let above = new Uint8Array(width * step);
  for (let y = 0; y < height; y += 1) {
    const start = y * (width * step + 1);
    const row = new Uint8Array(data.subarray(start + 1, start + 1 + width * step));
    unfilter(data[start] ?? 0, row, above, step);
    for (let x = 0; x < width; x += 1)
      pixels.set(row.subarray(x * step, x * step + step), (y * width + x) * 4);
    above = row;
  }
  return { width, height, pixels };
}
