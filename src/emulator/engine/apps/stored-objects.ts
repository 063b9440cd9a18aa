import type { JsonObject } from "../json-value.ts";
import {
  barChart,
  type ChartMeasure,
  kpi,
  libraryDimension,
  libraryMeasure,
  lineChart,
  listBox,
  pieChart,
  sheet,
  table,
} from "./chart-properties.ts";

/** Ids of the apps that the local tenant serves by default. */
export const APP_ID = {
  sales: "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10",
  serviceDesk: "c1d2b0e4-77a9-4f3e-8f61-0b9d6e35a2c4",
  energy: "5e0f9a37-91cc-4b27-a4d8-6f2c83b1d7e9",
  /** Opens only for members of the group `People team`. */
  payroll: "e7b34d18-60f2-4a95-bb0c-9d1f72c85a63",
} as const;

/** Ids of the objects stored in those apps. */
export const OBJECT_ID = {
  sales: {
    sheet: "sheet-sales-overview",
    bar: "bar-sales-by-region",
    barByCountry: "bar-sales-by-country",
    line: "line-sales-by-month",
    pie: "pie-sales-by-category",
    table: "table-sales-by-city",
    kpi: "kpi-sales-and-margin",
    list: "list-region",
    listOfCategories: "list-category",
  },
  serviceDesk: {
    sheet: "sheet-tickets-overview",
    bar: "bar-tickets-by-team",
    line: "line-tickets-by-month",
    pie: "pie-tickets-by-channel",
    table: "table-tickets-by-subject",
    kpi: "kpi-tickets",
    list: "list-priority",
  },
  energy: {
    sheet: "sheet-energy-overview",
    bar: "bar-energy-by-building",
    line: "line-energy-by-month",
    pie: "pie-energy-by-source",
    table: "table-energy-by-building",
    kpi: "kpi-energy",
    list: "list-use",
  },
  payroll: { bar: "bar-pay-by-department", kpi: "kpi-pay" },
} as const;

const SALES: ChartMeasure = { expression: "Sum(Amount)", label: "Sales" };
const MARGIN: ChartMeasure = {
  expression: "(Sum(Amount)-Sum(Cost))/Sum(Amount)",
  label: "Margin",
  format: "0.0%",
};
const CUSTOMERS: ChartMeasure = { expression: "Count(distinct Customer)", label: "Customers" };

/** The stored objects and library items of the sales app. */
export function salesObjects(): readonly JsonObject[] {
  const id = OBJECT_ID.sales;
  const exact = { ...SALES, format: "#,##0" };
  const charts = [
    kpi({ id: id.kpi, title: "Sales and margin", dimensions: [], measures: [SALES, MARGIN] }),
    barChart({ id: id.bar, title: "Sales by region", dimensions: ["Region"], measures: [SALES] }),
    lineChart({ id: id.line, title: "Sales by month", dimensions: ["Month"], measures: [SALES] }),
    pieChart({ id: id.pie, title: "Sales by category", dimensions: ["Category"], measures: [SALES] }),
    table({
      id: id.table,
      title: "Sales by city",
      dimensions: ["Country", "City"],
      measures: [exact, MARGIN],
    }),
    barChart({ id: id.barByCountry, title: "Sales by country", dimensions: ["Country"], measures: [SALES] }),
    listBox(id.list, "Region", "Region"),
    listBox(id.listOfCategories, "Category", "Category"),
  ];
  return [
    sheet(id.sheet, "Overview", charts),
    ...charts,
    libraryDimension("dimension-region", "Region", "Region"),
    libraryDimension("dimension-sales-rep", "Sales rep", "[Sales rep]"),
    libraryMeasure("measure-sales", exact),
    libraryMeasure("measure-margin", MARGIN),
    libraryMeasure("measure-customers", CUSTOMERS),
  ];
}

const TICKETS: ChartMeasure = { expression: "Count(Ticket)", label: "Tickets" };
const HOURS: ChartMeasure = {
  expression: "Avg([Hours to solve])",
  label: "Hours to solve",
  format: "#,##0.0",
};
const LATE: ChartMeasure = { expression: "Sum(Late)/Count(Ticket)", label: "Late", format: "0.0%" };

/** The stored objects and library items of the service desk app. */
export function serviceDeskObjects(): readonly JsonObject[] {
  const id = OBJECT_ID.serviceDesk;
  const charts = [
    kpi({ id: id.kpi, title: "Tickets", dimensions: [], measures: [TICKETS, LATE] }),
    barChart({ id: id.bar, title: "Tickets by team", dimensions: ["Team"], measures: [TICKETS] }),
    lineChart({ id: id.line, title: "Tickets by month", dimensions: ["Month"], measures: [TICKETS] }),
    pieChart({ id: id.pie, title: "Tickets by channel", dimensions: ["Channel"], measures: [TICKETS] }),
    table({
      id: id.table,
      title: "Tickets by subject",
      dimensions: ["Team", "Subject"],
      measures: [TICKETS, HOURS, LATE],
    }),
    listBox(id.list, "Priority", "Priority"),
  ];
  return [
    sheet(id.sheet, "Overview", charts),
    ...charts,
    libraryDimension("dimension-team", "Team", "Team"),
    libraryMeasure("measure-tickets", TICKETS),
  ];
}

const KWH: ChartMeasure = { expression: "Sum(kWh)", label: "Energy, kWh" };
const CARBON: ChartMeasure = { expression: "Sum([CO2 kg])/1000", label: "CO2, tonnes", format: "#,##0" };
const PRICE: ChartMeasure = { expression: "Sum(Price)", label: "Price", format: "€ #,##0" };

/** The stored objects and library items of the energy app. */
export function energyObjects(): readonly JsonObject[] {
  const id = OBJECT_ID.energy;
  const charts = [
    kpi({ id: id.kpi, title: "Energy", dimensions: [], measures: [KWH, CARBON] }),
    barChart({ id: id.bar, title: "Energy by building", dimensions: ["Building"], measures: [KWH] }),
    lineChart({ id: id.line, title: "Energy by month", dimensions: ["Month"], measures: [KWH] }),
    pieChart({ id: id.pie, title: "Energy by source", dimensions: ["Source"], measures: [KWH] }),
    table({
      id: id.table,
      title: "Energy by building",
      dimensions: ["Building", "Source"],
      measures: [{ ...KWH, format: "#,##0" }, CARBON, PRICE],
    }),
    listBox(id.list, "Use", "Use"),
  ];
  return [sheet(id.sheet, "Overview", charts), ...charts, libraryMeasure("measure-energy", KWH)];
}

/** The stored objects of the payroll app. */
export function payrollObjects(): readonly JsonObject[] {
  const id = OBJECT_ID.payroll;
  const pay = { expression: "Sum(Pay)", label: "Pay" };
  return [
    barChart({ id: id.bar, title: "Pay by department", dimensions: ["Department"], measures: [pay] }),
    kpi({ id: id.kpi, title: "Pay", dimensions: [], measures: [pay] }),
  ];
}
