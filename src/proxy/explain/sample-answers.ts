import { headerPairs, type RawHeaders } from "../../http/raw-headers.ts";
import { prepareResponse, type ResponseRules } from "../http/rewrite-response.ts";

/** What becomes of answers of the tenant, by their type. */
export interface SampleAnswers {
  /** Headers that every answer gets, names and values in turn. */
  readonly every: RawHeaders;
  /** What answers of a type get beside those. */
  readonly byType: readonly SampleAnswer[];
}

/** What becomes of an answer of one type. */
export interface SampleAnswer {
  readonly type: string;
  readonly headers: RawHeaders;
  /** Whether links to the tenant in it become links to us. rules R6 */
  readonly rewritesLinks: boolean;
}

/** A type that runs as a page, one that runs in a picture, one that a viewer runs, one that runs nothing, and data. */
const types = ["text/html", "image/svg+xml", "application/pdf", "image/png", "application/json"] as const;

/** As the tenant might send it: for everybody to keep, and a page that may connect to the tenant alone. facts §4 */
const sampleOf = (type: string, tenantOrigin: string): RawHeaders => [
  "content-type",
  type,
  "cache-control",
  "public, max-age=3600",
  ...(type === "text/html"
    ? ["content-security-policy", `connect-src ${tenantOrigin}; frame-ancestors ${tenantOrigin}`]
    : []),
];

/** The type is what the sample brought, and only what was sent took its time. */
const ofSample: ReadonlySet<string> = new Set(["content-type", "server-timing"]);

/** Sends samples of answers through the rewrite. */
export function sampleAnswers(rules: Omit<ResponseRules, "serverTiming">): SampleAnswers {
  const prepared = types.map((type) => {
    const answer = { status: 200, headers: sampleOf(type, rules.tenantOrigin) };
    const { headers, rewritesBody } = prepareResponse(answer, { ...rules, serverTiming: "" });
    const lines = headerPairs(headers).filter(([name]) => !ofSample.has(name));
    return { type, rewritesBody, lines };
  });
  const [first] = prepared;
  const every = (first?.lines ?? []).filter((line) => prepared.every(({ lines }) => holds(lines, line)));
  return {
    every: every.flat(),
    byType: prepared.map(({ type, rewritesBody, lines }) => ({
      type,
      rewritesLinks: rewritesBody,
      headers: lines.filter((line) => !holds(every, line)).flat(),
    })),
  };
}

type Line = readonly [name: string, value: string];

const holds = (lines: readonly Line[], [name, value]: Line): boolean =>
  lines.some((line) => line[0] === name && line[1] === value);
