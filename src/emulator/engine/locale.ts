import type { JsonObject } from "./json-value.ts";

const MONTHS = "January,February,March,April,May,June,July,August,September,October,November,December".split(
  ",",
);
const DAYS = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday".split(",");

/** How the local tenant's apps write numbers and dates; charts read it from the app's layout. */
export const LOCALE: JsonObject = {
  qDecimalSep: ".",
  qThousandSep: ",",
  qListSep: ";",
  qMoneyDecimalSep: ".",
  qMoneyThousandSep: ",",
  qCurrentYear: 2025,
  qMoneyFmt: "$#,##0.00;-$#,##0.00",
  qTimeFmt: "hh:mm:ss",
  qDateFmt: "YYYY-MM-DD",
  qTimestampFmt: "YYYY-MM-DD hh:mm:ss[.fff]",
  qFirstWeekDay: 0,
  qReferenceDay: 4,
  qFirstMonthOfYear: 1,
  qNumericalAbbreviation: "3:k;6:M;9:G;12:T;15:P;18:E;21:Z;24:Y;-3:m;-6:μ;-9:n;-12:p;-15:f;-18:a;-21:z;-24:y",
  qCollation: "en-US",
  qLocaleName: "en-US",
  qCalendarStrings: {
    qDayNames: DAYS.map((day) => day.slice(0, 3)),
    qMonthNames: MONTHS.map((month) => month.slice(0, 3)),
    qLongDayNames: DAYS,
    qLongMonthNames: MONTHS,
  },
};
