/** A report request and what became of it. */
export interface Report {
  readonly id: string;
  readonly ownerId: string;
  /** Milliseconds since the Unix epoch. */
  readonly requestedAt: number;
  readonly outputs: readonly { readonly id: string; readonly contentId: string; readonly size: number }[];
}

/** The report requests of the tenant, by id. */
export type Reports = Map<string, Report>;
