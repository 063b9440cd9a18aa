import { calendarDay, dayNumber } from "../calendar.ts";
import type { CellInput } from "../column.ts";
import { createRandom, type Random } from "../random.ts";
import { buildTable, type Table } from "../table.ts";

interface Place {
  readonly region: string;
  readonly country: string;
  readonly city: string;
}

interface Customer extends Place {
  readonly name: string;
  readonly weight: number;
}

interface Product {
  readonly name: string;
  readonly category: string;
  readonly price: number;
  readonly margin: number;
}

const REGIONS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  EMEA: {
    Germany: ["Berlin", "Hamburg", "Munich"],
    France: ["Lyon", "Paris", "Toulouse"],
    Sweden: ["Gothenburg", "Lund", "Stockholm"],
    "United Kingdom": ["Bristol", "Leeds", "London"],
    "South Africa": ["Cape Town", "Durban"],
  },
  Americas: {
    "United States": ["Austin", "Boston", "Chicago", "Denver", "Seattle"],
    Canada: ["Montreal", "Toronto", "Vancouver"],
    Brazil: ["Curitiba", "São Paulo"],
    Mexico: ["Guadalajara", "Mexico City"],
  },
  APAC: {
    Australia: ["Melbourne", "Perth", "Sydney"],
    Japan: ["Osaka", "Tokyo"],
    India: ["Mumbai", "Pune"],
    Singapore: ["Singapore"],
  },
};

const REGION_WEIGHT: Readonly<Record<string, number>> = { EMEA: 44, Americas: 36, APAC: 20 };

/** Category: margin share, then product and list price. */
const CATALOGUE: Readonly<Record<string, readonly [number, Readonly<Record<string, number>>]>> = {
  "Coffee machines": [
    0.34,
    { "Barista One": 649, "Barista Pro": 1290, "Office Brew": 940, "Solo Press": 119 },
  ],
  Grinders: [0.38, { "Burr 40": 189, "Burr 60": 279, "Hand Mill": 64, "Shop Mill": 1150 }],
  Beans: [
    0.46,
    { "Antigua Dark": 21, "Decaf Valley": 19, "House Blend": 16, "Sidamo Light": 23, Yirgacheffe: 27 },
  ],
  Accessories: [0.52, { "Cup Set": 34, "Filter Pack": 9, "Milk Jug": 24, "Scale Mini": 58, Tamper: 39 }],
  Service: [0.61, { "Annual Care": 240, "Barista Course": 320, "Deep Clean": 150 }],
  "Spare parts": [0.43, { "Brew Group": 88, "Pump Kit": 72, "Seal Kit": 18, "Steam Wand": 55 }],
};

const CHANNELS = [
  ["Online", 38],
  ["Retail", 27],
  ["Partner", 21],
  ["Field sales", 14],
] as const;

const REPS: Readonly<Record<string, readonly string[]>> = {
  EMEA: ["Amara Nkosi", "Elin Berg", "Jonas Weber", "Luc Martin", "Priya Shah", "Tom Hughes"],
  Americas: ["Ana Souza", "Carlos Vega", "Dana Cole", "Marie Roy", "Nate Brooks", "Olivia Reed"],
  APAC: ["Hana Sato", "Jack Lawson", "Mei Tan", "Ravi Iyer"],
};

const NAME_STARTS = [
  "Alder",
  "Birch",
  "Cedar",
  "Dune",
  "Ember",
  "Fjord",
  "Grove",
  "Harbor",
  "Ivory",
  "Juniper",
];
const NAME_ENDS = ["& Sons", "Bakery", "Cafés", "Catering", "Foods", "Group", "Hotels", "Kitchens", "Market"];

/** Demand per month of the year: holidays lift November and December, summer is slow. */
const SEASON = [0.82, 0.86, 1.0, 0.98, 1.02, 0.95, 0.84, 0.8, 1.04, 1.1, 1.32, 1.44];
const ORDER_LINES = 12_480;
const FIRST_DAY = dayNumber(2023, 1, 1);
const LAST_DAY = dayNumber(2025, 10, 31);

const FIELDS = [
  "OrderLine",
  "Region",
  "Country",
  "City",
  "Customer",
  "Product",
  "Category",
  "Channel",
  "Sales rep",
  { name: "OrderDate", tags: ["$timestamp", "$date"] },
  { name: "Month", tags: ["$calendar"] },
  { name: "Quarter", tags: ["$calendar"] },
  "Year",
  "Amount",
  "Cost",
  "Quantity",
  "Discount",
];

/** Makes three years of order lines of a coffee wholesaler, the same ones every time. */
export function loadSales(): Table {
  const random = createRandom(20_251_101);
  const customers = makeCustomers(random);
  const products = makeProducts();
  const weights = products.map((product) => [product, product.price < 100 ? 5 : 2] as const);
  function* rows(): Generator<readonly CellInput[]> {
    for (let line = 1; line <= ORDER_LINES; line += 1) {
      yield orderLine(line, random, random.weighted(customers), random.weighted(weights));
    }
  }
  return buildTable("Orders", FIELDS, rows());
}

function orderLine(line: number, random: Random, customer: Customer, product: Product): readonly CellInput[] {
  const day = calendarDay(pickDay(random));
  const channel = random.weighted(CHANNELS);
  const quantity = product.price > 500 ? random.between(1, 3) : random.between(1, 24);
  const discount = channel === "Partner" ? 0.15 : random.pick([0, 0, 0, 0.05, 0.1]);
  const amount = roundCents(product.price * quantity * (1 - discount));
  const cost = roundCents(product.price * quantity * (1 - product.margin) * random.around(1, 0.08));
  // Nobody sells an online order, so the field holds nulls as real data does.
  const rep = channel === "Online" ? null : random.pick(REPS[customer.region] ?? []);
  const { region, country, city } = customer;
  return [
    line,
    region,
    country,
    city,
    customer.name,
    product.name,
    product.category,
    channel,
    rep,
    day.date,
    day.month,
    day.quarter,
    day.year,
    amount,
    cost,
    quantity,
    discount,
  ];
}

function makeCustomers(random: Random): readonly (readonly [Customer, number])[] {
  const customers: (readonly [Customer, number])[] = [];
  for (const [region, countries] of Object.entries(REGIONS)) {
    const cities = Object.entries(countries).flatMap(([country, names]) =>
      names.map((city): Place => ({ region, country, city })),
    );
    const share = (REGION_WEIGHT[region] ?? 1) / (cities.length * 6);
    for (const place of cities) {
      for (let index = 0; index < 6; index += 1) {
        const name = `${random.pick(NAME_STARTS)} ${random.pick(NAME_ENDS)} ${place.city}`;
        const weight = share * random.around(1, 0.8);
        customers.push([{ ...place, name, weight }, weight]);
      }
    }
  }
  return customers;
}

function makeProducts(): readonly Product[] {
  return Object.entries(CATALOGUE).flatMap(([category, [margin, prices]]) =>
    Object.entries(prices).map(([name, price]) => ({ name, category, price, margin })),
  );
}

/** Draws days until one survives season and growth; busier months survive more often. */
function pickDay(random: Random): number {
  for (;;) {
    const day = random.between(FIRST_DAY, LAST_DAY);
    const growth = 0.7 + (0.3 * (day - FIRST_DAY)) / (LAST_DAY - FIRST_DAY);
    const season = SEASON[calendarDay(day).monthOfYear - 1] ?? 1;
    if (random.next() < (growth * season) / 1.44) return day;
  }
}

function roundCents(value: number): number {
  return Math.round(value * 100) / 100;
}
