import type { Ask, Bout, Talk } from "../bout.ts";
import { valuesOf } from "../wire/headers.ts";
import type { ReadHead } from "../wire/readings.ts";
import { type Verdict, verdictOf } from "../verdict.ts";

/** One of several wordings of an attack: what is odd about it, and the request. */
export type Variant = readonly [what: string, ask: (bout: Bout) => Ask];

/** One wording of a smuggling attack: what is odd about it, and the bytes around the hidden request. */
export type SmugglingVariant = readonly [what: string, bytes: (bout: Bout, hidden: string) => string];

/** Tries each wording in a bout of its own, and lets what is on its way arrive. */
export async function tryAll<Extra>(
  bout: Bout,
  variants: readonly (readonly [what: string, extra: Extra])[],
  attempt: (trial: Bout, extra: Extra) => Promise<unknown>,
): Promise<readonly { readonly what: string; readonly trial: Bout }[]> {
  const trials = variants.map(([what, extra]) => ({ what, extra, trial: bout.again() }));
  await Promise.all(trials.map(({ trial, extra }) => attempt(trial, extra)));
  await bout.settle();
  return trials;
}

/** Holds if none of the requests reaches the upstream. */
export async function refusesAll(bout: Bout, variants: readonly Variant[]): Promise<Verdict> {
  const trials = await tryAll(bout, variants, (trial, ask) => trial.send(ask(trial)));
  return verdictOf(
    trials.flatMap(({ what, trial }) => {
      const [seen] = trial.seen;
      return seen ? [`${what}: reached the upstream as "${seen.line}", credential of ${seen.owner}`] : [];
    }),
  );
}

/** The request that a client hides where it must not be read as one. Its target is not even below the prefix. */
export const hiddenRequest = ({ tag }: Bout): string =>
  `GET /smuggled-${tag} HTTP/1.1\r\nHost: hidden.example\r\n\r\n`;

/** How long an answer to bytes that are no sound request is waited for. Milliseconds. */
const shortWait = 1500;

/** Holds if no reading of what reaches the upstream finds the hidden request, or two lengths of one request. */
export async function smugglesNothing(bout: Bout, variants: readonly SmugglingVariant[]): Promise<Verdict> {
  const trials = await tryAll(bout, variants, async (trial, bytesOf) => {
    const bytes = bytesOf(trial, hiddenRequest(trial));
    const [method = "GET"] = bytes.split(" ");
    await trial.talk(bytes, [method], { ms: shortWait });
  });
  return verdictOf(
    trials.flatMap(({ what, trial }) => findSmuggled(trial).map((finding) => `${what}: ${finding}`)),
  );
}

/** What of a bout's hidden request the upstream would have taken for a request. */
export function findSmuggled({ tag, upstream }: Bout): string[] {
  const hidden = upstream.readsOf(`smuggled-${tag}`);
  if (hidden.length > 0) {
    const names = [...new Set(hidden.map(({ reading }) => reading))];
    return [`the hidden request is read as one (${names.join(", ")})`];
  }
  return upstream.seen(tag).flatMap((head) => {
    const odd = oddFraming(head);
    return odd === null ? [] : [`went on with ${odd}`];
  });
}

/** Codings that every reader takes for chunks: known ones, "chunked" last and once. */
const plainCodings = /^(?:(?:gzip|deflate|identity)?[ \t]*,[ \t]*)*chunked$/i;

/** What makes the length of a request a matter of opinion; null if nothing does. */
function oddFraming({ headers }: ReadHead): string | null {
  const codings = valuesOf(headers, "transfer-encoding");
  const lengths = valuesOf(headers, "content-length");
  if (codings.length > 0 && lengths.length > 0) return "both chunks and a length";
  if (lengths.length > 1 || lengths.some((length) => !/^\d+$/.test(length)))
    return `the length "${lengths.join('", "')}"`;
  if (codings.length > 1 || codings.some((coding) => !plainCodings.test(coding)))
    return `the coding "${codings.join('", "')}"`;
  return null;
}

/** Findings about one answer: each text that must not be anywhere in it. */
export function findIn(
  { text }: Talk,
  forbidden: readonly (readonly [what: string, text: string])[],
): string[] {
  const lower = text.toLowerCase();
  return forbidden.flatMap(([what, each]) =>
    lower.includes(each.toLowerCase()) ? [`${what} reached the client`] : [],
  );
}

/** One chunk of a body, with its size in front. */
export const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A whole body in one chunk. */
export const chunked = (text: string): string => `${chunk(text)}0\r\n\r\n`;
