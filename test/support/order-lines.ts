import { NULL_CODE } from "../../src/emulator/engine/column.ts";
import { loadSales } from "../../src/emulator/engine/apps/sales-data.ts";

/** An order line of the sales app as it was generated; text and number of each field, null where there is no value. */
export type OrderLine = Readonly<Record<string, { readonly text: string; readonly number: number } | null>>;

/** The rows of the sales app, read one by one: nothing of the engine has touched them. */
export function orderLines(): readonly OrderLine[] {
  const { rowCount, columns } = loadSales();
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(
      [...columns].map(([name, { codes, values }]) => {
        const code = codes[row] ?? NULL_CODE;
        return [name, code === NULL_CODE ? null : (values[code] ?? null)];
      }),
    ),
  );
}

/** The text of a field of a row; empty where there is no value. */
export const textOf = (line: OrderLine, field: string): string => line[field]?.text ?? "";

/** The sum of a field over rows. */
export function sumOf(lines: readonly OrderLine[], field: string): number {
  return lines.reduce((sum, line) => sum + (line[field]?.number ?? 0), 0);
}

/** How many different values a field has in rows. */
export function distinctOf(lines: readonly OrderLine[], field: string): number {
  return new Set(lines.flatMap((line) => line[field]?.text ?? [])).size;
}

/** Rows by the texts of some fields, joined by " | ". */
export function groupLines(
  lines: readonly OrderLine[],
  fields: readonly string[],
): ReadonlyMap<string, readonly OrderLine[]> {
  const groups = new Map<string, OrderLine[]>();
  for (const line of lines) {
    const key = fields.map((field) => textOf(line, field)).join(" | ");
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(line);
  }
  return groups;
}
