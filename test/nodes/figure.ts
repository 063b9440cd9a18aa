/** Prints what a proof has found, as one line that can be looked for in the output of a test run. */
export function figure(proof: string, values: Readonly<Record<string, number | string>>): void {
  const parts = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`[figure] ${proof}: ${parts.join(", ")}\n`);
}

/** Seconds with one decimal, out of milliseconds. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Whole milliseconds. */
export const milliseconds = (ms: number): string => `${Math.round(ms)} ms`;
