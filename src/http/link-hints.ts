/** Relations upon which a browser loads something or connects somewhere by itself. @see WHATWG HTML §4.6.7 */
const hints: ReadonlySet<string> = new Set([
  "compression-dictionary",
  "dns-prefetch",
  "icon",
  "manifest",
  "modulepreload",
  "preconnect",
  "prefetch",
  "preload",
  "prerender",
  "stylesheet",
]);

/** Takes the members out of a `Link` header upon which a browser acts by itself; null if none is left. */
export function withoutHints(value: string): string | null {
  const kept = splitOutside(value, ",").filter((member) => !isHint(member));
  return kept.length === 0 ? null : kept.map((member) => member.trim()).join(", ");
}

function isHint(member: string): boolean {
  const [, ...parameters] = splitOutside(member, ";");
  return parameters.some((parameter) => {
    const equals = parameter.indexOf("=");
    if (parameter.slice(0, equals).trim().toLowerCase() !== "rel") return false;
    const relations = parameter
      .slice(equals + 1)
      .replaceAll("\\", "")
      .replaceAll('"', " ")
      .toLowerCase();
    return relations.split(/\s+/).some((relation) => hints.has(relation));
  });
}

/** Splits at a separator that stands neither in a quoted string nor in a target. @see RFC 8288 §3 */
function splitOutside(text: string, separator: "," | ";"): string[] {
  const parts: string[] = [];
  let end: '"' | ">" | null = null;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (end === '"' && character === "\\") at += 1;
    else if (end !== null) end = character === end ? null : end;
    else if (character === '"') end = '"';
    else if (character === "<") end = ">";
    else if (character === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
