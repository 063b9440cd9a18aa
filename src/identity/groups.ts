/** Reads group names: an array of texts, or one text cut at `separator`; null for everything else. */
export function toGroups(value: unknown, separator: string | undefined): readonly string[] | null {
  if (typeof value === "string" && separator !== undefined) {
    return value
      .split(separator)
      .map((group) => group.trim())
      .filter((group) => group !== "");
  }
  const isList = Array.isArray(value) && value.every((group) => typeof group === "string");
  return isList ? (value as readonly string[]) : null;
}
