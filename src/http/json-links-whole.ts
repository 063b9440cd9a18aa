import { asJsonText, createLinkRewriter, type LinkRewriterOptions } from "./json-links.ts";
import { originParts, type OriginParts } from "./location.ts";

/**
 * Rewrites the links of a body that is there as a whole, as {@link createLinkRewriter} does; gives the body itself where
 * there are none.
 *
 * A text cannot hold a bare quote, so whether a link is the value of `href` shows in the bytes before it: they are looked
 * at only where the tenant's name stands, and what they leave in doubt the scanner decides. Of a body that is not JSON the
 * links behind the fault are rewritten too. Earned by: bench 10KB-json.
 */
export function rewriteWholeBody(body: Buffer, options: LinkRewriterOptions): Buffer {
  const text = body.toString("latin1");
  const { tenantBase = "" } = options;
  // Any letter may be spelled like this; and behind the origin the scanner alone looks on.
  if (tenantBase !== "" || text.includes("\\u00")) return scan(body, options);
  const origin = originParts(options.tenantOrigin);
  const { authority } = origin;
  const base = asJsonText(options.publicBase).toString("latin1");
  let out = "";
  let copied = 0;
  for (let at = text.indexOf(authority); at !== -1; at = text.indexOf(authority, at + authority.length)) {
    const start = startOfLink(text, at, origin);
    const end = endOfLink(text, at, origin);
    if (start === -1 || end === -1) continue;
    if (!isValueOfLink(text, start, options.members)) return scan(body, options);
    out += text.slice(copied, start) + base;
    copied = end;
  }
  return copied === 0 ? body : Buffer.from(out + text.slice(copied), "latin1");
}

function scan(body: Buffer, options: LinkRewriterOptions): Buffer {
  const rewriter = createLinkRewriter(options);
  const out = Buffer.concat([rewriter.write(body), rewriter.end()]);
  return rewriter.hits === 0 ? body : out;
}

/** Where the string begins whose beginning is the tenant's origin with its authority at `at`; -1 where there is none. */
function startOfLink(text: string, at: number, { schemes }: OriginParts): number {
  const colon = slashBefore(text, slashBefore(text, at)) - 1;
  if (colon < 0 || text[colon] !== ":") return -1;
  for (const scheme of schemes) {
    const start = colon - scheme.length;
    if (text.startsWith(scheme, start) && isBareQuote(text, start - 1)) return start;
  }
  return -1;
}

/** Where the slash before `at` begins, which may be escaped; -1 where there is none, or no `at`. */
function slashBefore(text: string, at: number): number {
  if (at < 1 || text[at - 1] !== "/") return -1;
  return text[at - 2] === "\\" ? at - 2 : at - 1;
}

/** Where the origin ends, its default port included; -1 where the host goes on. */
function endOfLink(text: string, at: number, { authority, defaultPort }: OriginParts): number {
  const end = at + authority.length;
  const behind = text.startsWith(defaultPort, end) ? end + defaultPort.length : end;
  const next = text[behind] === "\\" ? text[behind + 1] : text[behind];
  if (next === "/") return behind;
  return text[behind] === '"' || text[behind] === "?" || text[behind] === "#" ? behind : -1;
}

/** Whether the string that begins at `start` is the value of a member that holds links. */
function isValueOfLink(text: string, start: number, members: ReadonlySet<string> | undefined): boolean {
  const colon = lastNonSpace(text, start - 2);
  const quote = lastNonSpace(text, colon - 1);
  if (text[colon] !== ":" || text[quote] !== '"') return false;
  if (endsWithName(text, quote, "href")) return true;
  for (const member of members ?? []) if (endsWithName(text, quote, member)) return true;
  return false;
}

function endsWithName(text: string, end: number, name: string): boolean {
  const start = end - name.length;
  return text.startsWith(name, start) && isBareQuote(text, start - 1);
}

/** Before a bare quote no backslash can stand: in a text it would escape it, and between texts there are none. */
const isBareQuote = (text: string, at: number): boolean => text[at] === '"' && text[at - 1] !== "\\";

function lastNonSpace(text: string, from: number): number {
  let at = from;
  while (at >= 0 && isSpace(text.charCodeAt(at))) at -= 1;
  return at;
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
