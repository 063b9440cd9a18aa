/** A length of time in milliseconds. */
export type Milliseconds = number;

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a duration with its unit, such as `500ms`, `30s` or `1.5h`; null for everything else, bare numbers too. */
export function parseDuration(text: string): Milliseconds | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text.trim());
  const factor = units[match?.[2] ?? ""];
  if (match === null || factor === undefined) return null;
  return Math.round(Number(match[1]) * factor);
}

/** Writes a duration in the largest unit that leaves a whole number: 90000 is `90s`. */
export function formatDuration(duration: Milliseconds): string {
  if (duration === 0) return "0s";
  for (const unit of ["d", "h", "m", "s"]) {
    const factor = units[unit] ?? 1;
    if (duration % factor === 0) return `${duration / factor}${unit}`;
  }
  return `${duration}ms`;
}
