/** Header lines as they came: names as written, values without the space around them. */
export type Headers = readonly (readonly [name: string, value: string])[];

/** Every value of a header, whatever the case of its name. */
export function valuesOf(headers: Headers, name: string): string[] {
  const wanted = name.toLowerCase();
  return headers.flatMap(([each, value]) => (each.toLowerCase() === wanted ? [value] : []));
}

/** The value of a header, several joined by a comma; undefined where there is none. */
export function valueOf(headers: Headers, name: string): string | undefined {
  const values = valuesOf(headers, name);
  return values.length === 0 ? undefined : values.join(", ");
}

/** The headers as text again, one a line. */
export const linesOf = (headers: Headers): string =>
  headers.map(([name, value]) => `${name}: ${value}`).join("\n");
