/** A data file of the tenant. */
export interface DataFile {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly content: Uint8Array;
}

/** The data files of the tenant, by id. */
export type DataFiles = Map<string, DataFile>;
