import type { FieldValue } from "./column.ts";

const DAY = 86_400_000;
/** The engine counts days from here. */
const DAY_ZERO = Date.UTC(1899, 11, 30);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The day number of a date, as the engine stores it. */
export function dayNumber(year: number, month: number, day: number): number {
  return Math.round((Date.UTC(year, month - 1, day) - DAY_ZERO) / DAY);
}

/** Calendar parts of a day number, each with its text and its number. */
export interface CalendarDay {
  readonly date: FieldValue;
  /** Month of a certain year, e.g. `Mar 2024`; its number is the month's first day. */
  readonly month: FieldValue;
  /** Quarter of a certain year, e.g. `2024 Q1`; its number is the quarter's first day. */
  readonly quarter: FieldValue;
  readonly year: FieldValue;
  readonly weekday: FieldValue;
  /** 1 to 12. */
  readonly monthOfYear: number;
}

/** Reads a day number as calendar parts. */
export function calendarDay(number: number): CalendarDay {
  const moment = new Date(DAY_ZERO + number * DAY);
  const year = moment.getUTCFullYear();
  const month = moment.getUTCMonth();
  const quarter = Math.floor(month / 3);
  const weekday = (moment.getUTCDay() + 6) % 7;
  return {
    date: { text: moment.toISOString().slice(0, 10), number },
    month: { text: `${MONTHS[month]} ${year}`, number: dayNumber(year, month + 1, 1) },
    quarter: { text: `${year} Q${quarter + 1}`, number: dayNumber(year, quarter * 3 + 1, 1) },
    year: { text: String(year), number: year },
    weekday: { text: WEEKDAYS[weekday] as string, number: weekday },
    monthOfYear: month + 1,
  };
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
