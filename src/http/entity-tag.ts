/** Stands between the tenant's tag and our suffix. */
const MARK = ";qsp-";

/**
 * Turns the tenant's entity tag into that of the body we make of it: weak, because bytes may differ, and with a
 * suffix, because the body depends on where it is seen from.
 */
export function suffixEntityTag(etag: string, suffix: string): string {
  const tag = readTag(etag, 0);
  const opaque = tag !== null && tag.end === etag.length ? tag.opaque : etag.replaceAll('"', "");
  return `W/"${opaque}${MARK}${suffix}"`;
}

/**
 * Turns the value of `If-None-Match` or `If-Match` back into what the tenant knows; null if nothing is left of it.
 * A tag of ours becomes the tenant's, both strong and weak, as we cannot tell which it was; a tag with another
 * suffix names a body that was never ours to promise and is dropped; other members stay.
 */
export function stripEntityTags(list: string, suffix: string): string | null {
  const kept: string[] = [];
  for (let at = 0; at < list.length;) {
    const character = list[at];
    if (character === "," || character === " " || character === "\t") {
      at += 1;
      continue;
    }
    const tag = readTag(list, at);
    const end = tag?.end ?? endOfMember(list, at);
    if (tag === null) kept.push(list.slice(at, end).trimEnd());
    else kept.push(...asTenantTags(list.slice(at, end), tag.opaque, suffix));
    at = end;
  }
  return kept.length === 0 ? null : kept.join(", ");
}

/** The tenant's tags for one member of a list. */
function asTenantTags(member: string, opaque: string, suffix: string): readonly string[] {
  const mark = opaque.lastIndexOf(MARK);
  if (mark === -1) return [member];
  if (opaque.slice(mark + MARK.length) !== suffix) return [];
  const own = opaque.slice(0, mark);
  return [`"${own}"`, `W/"${own}"`];
}

/** Reads the entity tag that begins at `at`; null if none does. @see RFC 9110 §8.8.3 */
function readTag(text: string, at: number): { opaque: string; end: number } | null {
  const quote = text.startsWith("W/", at) ? at + 2 : at;
  if (text[quote] !== '"') return null;
  const end = text.indexOf('"', quote + 1);
  return end === -1 ? null : { opaque: text.slice(quote + 1, end), end: end + 1 };
}

function endOfMember(list: string, at: number): number {
  const comma = list.indexOf(",", at);
  return comma === -1 ? list.length : comma;
}
