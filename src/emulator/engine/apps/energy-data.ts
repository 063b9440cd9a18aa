import { calendarDay, dayNumber } from "../calendar.ts";
import type { CellInput } from "../column.ts";
import { createRandom, type Random } from "../random.ts";
import { buildTable, type Table } from "../table.ts";

interface Building {
  readonly name: string;
  readonly use: string;
  readonly city: string;
  /** Square metres. */
  readonly area: number;
}

const BUILDINGS: readonly Building[] = [
  { name: "Canal House", use: "Office", city: "Utrecht", area: 4200 },
  { name: "Dock 9", use: "Warehouse", city: "Rotterdam", area: 11_800 },
  { name: "East Lab", use: "Laboratory", city: "Delft", area: 3600 },
  { name: "Harbour Hall", use: "Warehouse", city: "Antwerp", area: 9400 },
  { name: "Mill Court", use: "Office", city: "Ghent", area: 2900 },
  { name: "North Yard", use: "Workshop", city: "Groningen", area: 5200 },
  { name: "Science Park 3", use: "Laboratory", city: "Leiden", area: 4700 },
  { name: "Station Plaza", use: "Office", city: "Utrecht", area: 7600 },
];

/** Source: kWh per square metre and day, how much winter adds, price and kilograms of CO2 per kWh. */
const SOURCES: Readonly<Record<string, readonly [number, number, number, number]>> = {
  Electricity: [0.21, 0.15, 0.24, 0.27],
  Heat: [0.16, 1.6, 0.13, 0.18],
};

const USE_FACTOR: Readonly<Record<string, number>> = {
  Laboratory: 2.3,
  Office: 1,
  Warehouse: 0.45,
  Workshop: 1.4,
};

const FIRST_DAY = dayNumber(2023, 11, 1);
const LAST_DAY = dayNumber(2025, 10, 31);

const FIELDS = [
  "Building",
  "Use",
  "City",
  "Source",
  { name: "Day", tags: ["$timestamp", "$date"] },
  { name: "Month", tags: ["$calendar"] },
  { name: "Quarter", tags: ["$calendar"] },
  { name: "Weekday", tags: ["$calendar"] },
  "Year",
  "kWh",
  "Price",
  "CO2 kg",
  "Area",
];

/** Makes two years of daily meter readings of eight buildings, the same ones every time. */
export function loadEnergy(): Table {
  const random = createRandom(230_050);
  function* rows(): Generator<readonly CellInput[]> {
    for (let day = FIRST_DAY; day <= LAST_DAY; day += 1) {
      for (const building of BUILDINGS) {
        for (const source of Object.keys(SOURCES)) yield reading(random, building, { source, day });
      }
    }
  }
  return buildTable("Readings", FIELDS, rows());
}

function reading(
  random: Random,
  building: Building,
  { source, day }: { readonly source: string; readonly day: number },
): readonly CellInput[] {
  const [base, winter, price, carbon] = SOURCES[source] ?? [0, 0, 0, 0];
  const parts = calendarDay(day);
  const coldness = (1 + Math.cos(((parts.monthOfYear - 1) / 6) * Math.PI)) / 2;
  const weekend = parts.weekday.number >= 5 ? 0.55 : 1;
  const use = USE_FACTOR[building.use] ?? 1;
  const kwh = building.area * base * use * weekend * (1 + winter * coldness) * random.around(1, 0.18);
  return [
    building.name,
    building.use,
    building.city,
    source,
    parts.date,
    parts.month,
    parts.quarter,
    parts.weekday,
    parts.year,
    Math.round(kwh),
    Math.round(kwh * price * 100) / 100,
    Math.round(kwh * carbon),
    building.area,
  ];
}
