import type { AppDefinition } from "./app-definition.ts";
import { loadSales } from "./sales-data.ts";

/** Ids of the apps that the local tenant serves by default. */
export const APP_ID = {
  sales: "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10",
} as const;

/** The apps that the local tenant serves by default. */
export function defaultApps(): readonly AppDefinition[] {
  return [
    {
      id: APP_ID.sales,
      name: "Sales performance",
      description: "Order lines of a coffee wholesaler, three years.",
      lastReload: "2025-11-01T04:12:09.000Z",
      sectionAccess: { field: "Region", grants: { "Sales EMEA": "EMEA", "Sales Americas": "Americas" } },
      load: loadSales,
      objects: [],
    },
  ];
}
