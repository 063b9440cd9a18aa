const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const percent = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 });

/** How a number of the dashboard is written. */
export type NumberStyle = "money" | "count" | "percent";

/** Short text for a number: `$1.2M`, `12,480`, `41.3%`; a dash for none. */
export function numberText(value: number, style: NumberStyle): string {
  if (!Number.isFinite(value)) return "–";
  if (style === "percent") return percent.format(value);
  return style === "money" ? `$${compact.format(value)}` : whole.format(value);
}

/** Remaining time: `7 h 59 min`, `19 min 58 s`, `12 s`. */
export function durationText(seconds: number): string {
  const rest = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest % 60} s` : `${rest} s`;
}
