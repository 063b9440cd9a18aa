import { type CellInput, type Column, ColumnBuilder, reduceColumn } from "./column.ts";

/** The data of an app: one table, stored by column. */
export interface Table {
  readonly name: string;
  readonly rowCount: number;
  /** By exact field name, in load order. */
  readonly columns: ReadonlyMap<string, Column>;
}

/** How a field is declared: its name, and tags beyond those that follow from its values. */
export type FieldDeclaration = string | { readonly name: string; readonly tags: readonly string[] };

/** Builds a table from declared fields and rows whose cells come in the same order. */
export function buildTable(
  name: string,
  fields: readonly FieldDeclaration[],
  rows: Iterable<readonly CellInput[]>,
): Table {
  const builders = fields.map((field) =>
    typeof field === "string" ? new ColumnBuilder(field) : new ColumnBuilder(field.name, field.tags),
  );
  let rowCount = 0;
  for (const row of rows) {
    builders.forEach((builder, index) => builder.add(row[index] ?? null));
    rowCount += 1;
  }
  return { name, rowCount, columns: new Map(builders.map((builder) => [builder.name, builder.build()])) };
}

/** The same table with only the rows whose `field` is one of `allowed`; other values leave no trace in any field. */
export function reduceTable(table: Table, field: string, allowed: ReadonlySet<string>): Table {
  const column = table.columns.get(field);
  if (column === undefined) return table;
  const kept = column.values.map((value) => allowed.has(value.text));
  const rows: number[] = [];
  column.codes.forEach((code, row) => {
    if (kept[code] === true) rows.push(row);
  });
  const selection = Uint32Array.from(rows);
  const columns = new Map<string, Column>();
  for (const [name, full] of table.columns) columns.set(name, reduceColumn(full, selection));
  return { name: table.name, rowCount: rows.length, columns };
}

/** Every row number of a table, in load order. */
export function allRows(table: Table): Uint32Array {
  return Uint32Array.from({ length: table.rowCount }, (_, row) => row);
}
