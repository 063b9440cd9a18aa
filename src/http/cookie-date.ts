const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Everything but letters, digits, the colon, controls and what is outside ASCII. @see RFC 6265 §5.1.1 */
const delimiters = /[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]/;

/**
 * Reads the date of a cookie as browsers do; undefined where they see none. Zones are not read: it is always UTC.
 *
 * `Date.parse` would take "0", "-1" and "1" for years long past, and so take out a cookie that a browser keeps.
 *
 * @see RFC 6265 §5.1.1
 */
export function parseCookieDate(text: string): number | undefined {
  let time: readonly [number, number, number] | undefined;
  let day: number | undefined;
  let month: number | undefined;
  let year: number | undefined;
  for (const token of text.split(delimiters)) {
    if (time === undefined && (time = timeOf(token)) !== undefined) continue;
    if (day === undefined && (day = numberOf(token, /^\d{1,2}(?!\d)/)) !== undefined) continue;
    if (month === undefined && (month = monthOf(token)) !== undefined) continue;
    year ??= numberOf(token, /^\d{2,4}(?!\d)/);
  }
  if (time === undefined || day === undefined || month === undefined || year === undefined) return undefined;
  return inUtc(fullYear(year), month, day, time);
}

function timeOf(token: string): readonly [number, number, number] | undefined {
  const [, hours, minutes, seconds] = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/.exec(token) ?? [];
  return seconds === undefined ? undefined : [Number(hours), Number(minutes), Number(seconds)];
}

function numberOf(token: string, shape: RegExp): number | undefined {
  const [digits] = shape.exec(token) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function monthOf(token: string): number | undefined {
  const index = months.indexOf(token.slice(0, 3).toLowerCase());
  return index === -1 ? undefined : index;
}

const fullYear = (year: number): number => (year < 70 ? year + 2000 : year < 100 ? year + 1900 : year);

function inUtc(
  year: number,
  month: number,
  day: number,
  [hours, minutes, seconds]: readonly [number, number, number],
): number | undefined {
  if (year < 1601 || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const date = new Date(Date.UTC(year, month, day, hours, minutes, seconds));
  // A day that the month does not have would become one of the next.
  return day >= 1 && date.getUTCMonth() === month ? date.getTime() : undefined;
}
