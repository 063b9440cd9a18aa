/** A number of bytes. */
export type Bytes = number;

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Reads a size with its unit, such as `64KiB` or `1.5GiB`; null for everything else, bare numbers too. */
export function parseSize(text: string): Bytes | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(B|KiB|MiB|GiB)$/.exec(text.trim());
  const factor = units[match?.[2] ?? ""];
  if (match === null || factor === undefined) return null;
  return Math.round(Number(match[1]) * factor);
}

/** Writes a size in the largest unit that leaves a whole number: 65536 is `64KiB`. */
export function formatSize(size: Bytes): string {
  if (size === 0) return "0B";
  for (const unit of ["GiB", "MiB", "KiB"]) {
    const factor = units[unit] ?? 1;
    if (size % factor === 0) return `${size / factor}${unit}`;
  }
  return `${size}B`;
}
