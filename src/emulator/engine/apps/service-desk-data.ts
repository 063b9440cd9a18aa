import { calendarDay, dayNumber } from "../calendar.ts";
import type { CellInput } from "../column.ts";
import { createRandom, type Random } from "../random.ts";
import { buildTable, type Table } from "../table.ts";

/** Team: the subjects it deals with. */
const TEAMS: Readonly<Record<string, readonly string[]>> = {
  "Access and identity": ["Account locked", "Joiner", "Leaver", "Password reset", "Role change"],
  "End-user computing": ["Battery", "Docking station", "Laptop slow", "Printer", "Screen"],
  Network: ["Guest access", "Office Wi-Fi", "VPN drops", "Video calls"],
  "Business systems": ["Expense report", "Invoice stuck", "Month end", "Report wrong", "Time sheet"],
  Facilities: ["Badge", "Heating", "Meeting room", "Parking"],
};

const SITES: Readonly<Record<string, readonly string[]>> = {
  Belgium: ["Antwerp", "Ghent"],
  Netherlands: ["Delft", "Rotterdam", "Utrecht"],
  Portugal: ["Lisbon", "Porto"],
  Poland: ["Gdansk", "Krakow", "Wroclaw"],
};

const AGENTS = [
  "Adel",
  "Bea",
  "Chidi",
  "Dora",
  "Emil",
  "Farah",
  "Gus",
  "Hedda",
  "Ilya",
  "Jun",
  "Kofi",
  "Lena",
];

/** Priority, how often it comes, and the hours it should take at most. */
const PRIORITIES = [
  [{ text: "1 Critical", number: 1 }, 4, 8],
  [{ text: "2 High", number: 2 }, 14, 24],
  [{ text: "3 Normal", number: 3 }, 55, 72],
  [{ text: "4 Low", number: 4 }, 27, 160],
] as const;

const CHANNELS = [
  ["Portal", 46],
  ["E-mail", 24],
  ["Chat", 18],
  ["Phone", 12],
] as const;

const STATES = [
  ["Solved", 70],
  ["Solved at first contact", 22],
  ["Cancelled", 8],
] as const;

const TICKETS = 11_300;
const FIRST_DAY = dayNumber(2024, 1, 1);
const LAST_DAY = dayNumber(2025, 10, 31);

const FIELDS = [
  "Ticket",
  "Team",
  "Subject",
  "Priority",
  "Channel",
  "State",
  "Agent",
  "Country",
  "Site",
  { name: "Opened", tags: ["$timestamp", "$date"] },
  { name: "Month", tags: ["$calendar"] },
  { name: "Quarter", tags: ["$calendar"] },
  { name: "Weekday", tags: ["$calendar"] },
  "Year",
  "Hours to solve",
  "Replies",
  "Rating",
  "Late",
];

/** Makes two years of tickets of a company's service desk, the same ones every time. */
export function loadServiceDesk(): Table {
  const random = createRandom(7_404);
  const subjects = Object.entries(TEAMS).flatMap(([team, names]) =>
    names.map((subject) => ({ team, subject })),
  );
  const sites = Object.entries(SITES).flatMap(([country, names]) => names.map((site) => ({ country, site })));
  function* rows(): Generator<readonly CellInput[]> {
    for (let ticket = 1; ticket <= TICKETS; ticket += 1) {
      const { team, subject } = random.pick(subjects);
      const { country, site } = random.pick(sites);
      yield [`T${String(ticket).padStart(6, "0")}`, team, subject, ...ticketFacts(random, country, site)];
    }
  }
  return buildTable("Tickets", FIELDS, rows());
}

function ticketFacts(random: Random, country: string, site: string): readonly CellInput[] {
  const day = calendarDay(pickWorkday(random));
  const [priority, , limit] = random.weighted(PRIORITIES.map((entry) => [entry, entry[1]] as const));
  const state = random.weighted(STATES);
  const quick = state === "Solved at first contact";
  const hours = quick ? random.around(1, 0.8) : limit * random.around(0.66, 0.64);
  // Most people do not rate, so the field is null for them.
  const rating = random.next() < 0.35 ? random.pick([2, 3, 4, 4, 5, 5, 5]) : null;
  return [
    priority,
    random.weighted(CHANNELS),
    state,
    random.pick(AGENTS),
    country,
    site,
    day.date,
    day.month,
    day.quarter,
    day.weekday,
    day.year,
    Math.round(hours * 10) / 10,
    quick ? 1 : random.between(1, 9),
    rating,
    hours > limit ? 1 : 0,
  ];
}

/** Weekends bring a fifth of a working day's tickets, Mondays a third more. */
function pickWorkday(random: Random): number {
  for (;;) {
    const day = random.between(FIRST_DAY, LAST_DAY);
    const weekday = calendarDay(day).weekday.number;
    const likely = weekday >= 5 ? 0.15 : weekday === 0 ? 1 : 0.75;
    if (random.next() < likely) return day;
  }
}
