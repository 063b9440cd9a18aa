import type { AppDefinition } from "./app-definition.ts";
import { loadEnergy } from "./energy-data.ts";
import { loadPayroll } from "./payroll-data.ts";
import { loadSales } from "./sales-data.ts";
import { loadServiceDesk } from "./service-desk-data.ts";
import { APP_ID, energyObjects, payrollObjects, salesObjects, serviceDeskObjects } from "./stored-objects.ts";

const LAST_RELOAD = "2025-11-01T04:12:09.000Z";

/** The apps that the local tenant serves by default. */
export function defaultApps(): readonly AppDefinition[] {
  return [
    {
      id: APP_ID.sales,
      name: "Sales performance",
      description: "Three years of order lines of a coffee wholesaler.",
      lastReload: LAST_RELOAD,
      sectionAccess: { field: "Region", grants: { "Sales EMEA": "EMEA", "Sales Americas": "Americas" } },
      load: loadSales,
      objects: salesObjects(),
    },
    {
      id: APP_ID.serviceDesk,
      name: "Service desk",
      description: "Two years of tickets of an internal service desk.",
      lastReload: LAST_RELOAD,
      load: loadServiceDesk,
      objects: serviceDeskObjects(),
    },
    {
      id: APP_ID.energy,
      name: "Energy use",
      description: "Two years of daily meter readings of eight buildings.",
      lastReload: LAST_RELOAD,
      load: loadEnergy,
      objects: energyObjects(),
    },
    {
      id: APP_ID.payroll,
      name: "Payroll",
      description: "Monthly pay; for the People team only.",
      lastReload: LAST_RELOAD,
      requiredGroup: "People team",
      load: loadPayroll,
      objects: payrollObjects(),
    },
  ];
}
