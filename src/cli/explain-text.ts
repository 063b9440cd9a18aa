import { headerPairs, type RawHeaders } from "../http/raw-headers.ts";
import type { Explanation, Question, SenderVerdict } from "../proxy/explain/explain.ts";
import { visible } from "./sessions-text.ts";

/** Writes an explanation for people. */
export function explanationLines(question: Question, explanation: Explanation): readonly string[] {
  const sections = [
    [headline(question, explanation)],
    reasons(explanation),
    senders(explanation.senders),
    sent(explanation),
    answers(question, explanation),
  ].filter((lines) => lines.length > 0);
  return sections.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines])).map(visible);
}

/** Writes an explanation for machines: headers as pairs. */
export function explanationDocument(question: Question, explanation: Explanation): object {
  const { sent: request, answers: samples } = explanation;
  return {
    method: methodOf(question),
    ...explanation,
    sent: request && { ...request, headers: headerPairs(request.headers) },
    answers: samples && {
      every: headerPairs(samples.every),
      byType: samples.byType.map((each) => ({ ...each, headers: headerPairs(each.headers) })),
    },
  };
}

const methodOf = ({ method, upgrade }: Question): string => (upgrade ? "UPGRADE" : method);

/** The path as it was asked for; its query stands where it travels. */
function headline(question: Question, { outcome, refusal, sent: request }: Explanation): string {
  const asked = `${methodOf(question)} ${question.target.split("?", 1)[0] ?? ""}`;
  if (refusal !== undefined) return `${asked}: refused with ${refusal.status} ${refusal.code}`;
  return outcome === "forwarded"
    ? `${asked}: forwarded to ${request?.origin ?? ""}`
    : `${asked}: answered by the proxy itself`;
}

function reasons(explanation: Explanation): string[] {
  const { refusal, policy } = explanation;
  const rows: (readonly [string, string | null])[] = [
    ["Why", refusal?.reason ?? null],
    ["Path", pathText(explanation)],
    ["Rule", policy === null ? null : ruleText(policy)],
    ["Class", classText(explanation)],
    ["Guard", explanation.row === undefined ? null : rowText(explanation.row)],
  ];
  return rows.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(7)}${text}`]));
}

function pathText({ outcome, path, taker }: Explanation): string | null {
  if (path === null) return null;
  if (taker.kind === "own") return `${path}, never sent to the tenant`;
  return outcome === "forwarded" ? `${path} at the tenant, byte for byte` : `${path}, as rules see it`;
}

const ruleText = ({ rule, from }: NonNullable<Explanation["policy"]>): string =>
  rule === null ? "none" : `${rule}${from === null ? "" : ` (${from})`}`;

function classText({ taker }: Explanation): string | null {
  switch (taker.kind) {
    case "tenant":
      return `${taker.routeClass}, ${taker.needsIdentity ? "for somebody who is signed in" : "for everybody"}`;
    case "own":
      return taker.route === "unknown" ? "own route" : `own route: ${taker.route}`;
    case "elsewhere":
      return "none: a library hands it on to your application, a server of its own refuses it";
    case "nobody":
      return null;
  }
}

/** The rows of the site guard in a few words. rules R4 */
const rows: readonly string[] = [
  "another host, or an origin that is none",
  "bound by something else than cookies",
  "a socket of a listed origin",
  "a socket of nobody on the list",
  "a preflight",
  "a page without an origin",
  "an origin that is not on the list",
  "the same origin",
  "a listed origin",
  "a sibling that does not say who it is",
  "a link to a page",
  "no page: typed or bookmarked",
  "reads, and does not say from where",
  "writes, and does not say from where",
  "another site",
];

const rowText = (row: number): string => `row ${row}: ${rows[row] ?? ""}`;

function senders(list: readonly SenderVerdict[]): string[] {
  // Who sends it makes no difference where nobody gets as far as the site guard.
  if (list.every(({ row }) => row === undefined)) return [];
  const lines = list.map(({ who, outcome, status, code, row }) => [
    who,
    outcome === "pass" ? "passes" : outcome === "preflight" ? "is answered 204" : `${status} ${code}`,
    row === undefined ? "" : rowText(row),
  ]);
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return [
    "Who may send it (rows of the site guard: docs/explain/rules.md, R4)",
    ...lines.map((line) =>
      `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
    ),
  ];
}

function sent({ sent: request }: Explanation): string[] {
  if (request === null) return [];
  const { method, target, headers, dropped, changed } = request;
  return [
    "What the tenant gets",
    `  ${method} ${target}`,
    ...headerLines(headers, "  "),
    ...(dropped.length === 0 ? [] : [`  left out: ${unique(dropped)}`]),
    ...(changed.length === 0 ? [] : [`  changed: ${unique(changed)}`]),
  ];
}

const unique = (names: readonly string[]): string => [...new Set(names)].join(", ");

const headerLines = (headers: RawHeaders, indent: string): string[] =>
  headerPairs(headers).map(([name, value]) => `${indent}${name.toLowerCase()}: ${value}`);

function answers({ upgrade }: Question, { outcome, answers: samples }: Explanation): string[] {
  const title = "What becomes of its answer";
  if (upgrade && outcome === "forwarded")
    return [title, "  of a 101 the handshake alone; then bytes both ways, as they are"];
  if (samples === null) return [];
  const groups = new Map<string, string[]>();
  for (const { type, headers, rewritesLinks } of samples.byType) {
    const lines = [
      ...headerLines(headers, "    "),
      ...(rewritesLinks ? ["    links to the tenant become links to the proxy"] : []),
    ].join("\n");
    groups.set(lines, [...(groups.get(lines) ?? []), type]);
  }
  return [
    title,
    ...headerLines(samples.every, "  "),
    ...[...groups].flatMap(([lines, types]) =>
      lines === "" ? [] : [`  ${types.join(", ")}`, ...lines.split("\n")],
    ),
  ];
}
