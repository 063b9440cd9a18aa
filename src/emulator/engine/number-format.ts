import { type Json, toObject, toText } from "./json-value.ts";

/** The engine's automatic format keeps this many significant digits. */
const SIGNIFICANT_DIGITS = 14;

/** Writes a number the way the engine does without a format. */
export function formatAutomatic(number: number): string {
  return String(Number(number.toPrecision(SIGNIFICANT_DIGITS)));
}

/** Writes a number under a `qNumFormat` such as `{qType: "F", qFmt: "#,##0.00"}`. */
export function formatNumber(number: number, format: Json | undefined): string {
  const { qType, qFmt } = toObject(format);
  const pattern = toText(qFmt);
  if (pattern === "" || !["F", "I", "M", "R"].includes(toText(qType))) return formatAutomatic(number);
  return applyPattern(number, pattern.split(";")[0] as string);
}

function applyPattern(number: number, pattern: string): string {
  const digits = /[#0](?:[#0,.]*[#0])?/.exec(pattern);
  if (digits === null) return formatAutomatic(number);
  const [whole = "", fraction = ""] = digits[0].split(".");
  const percent = pattern.includes("%");
  const text = new Intl.NumberFormat("en-US", {
    useGrouping: whole.includes(","),
    minimumFractionDigits: fraction.replaceAll("#", "").length,
    maximumFractionDigits: fraction.length,
  }).format(Math.abs(percent ? number * 100 : number));
  const written = pattern.slice(0, digits.index) + text + pattern.slice(digits.index + digits[0].length);
  return number < 0 && /[1-9]/.test(text) ? `-${written}` : written;
}
