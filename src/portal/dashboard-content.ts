/** Which app and objects of the tenant the dashboard shows, as a host application would have them in its settings. */
export interface DashboardContent {
  readonly appId: string;
  /** Ids of stored objects, by the kind of their chart. */
  readonly charts: {
    readonly bar: string;
    readonly line: string;
    readonly pie: string;
    readonly kpi: string;
    readonly table: string;
  };
  /** The field of the filter list. */
  readonly filterField: string;
}

/** The sales app of the local tenant. */
export const sampleContent: DashboardContent = {
  appId: "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10",
  charts: {
    bar: "bar-sales-by-country",
    line: "line-sales-by-month",
    pie: "pie-sales-by-category",
    kpi: "kpi-sales-and-margin",
    table: "table-sales-by-city",
  },
  filterField: "Channel",
};
