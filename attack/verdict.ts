/** What an attack came to. */
export type Verdict =
  | { readonly outcome: "held" }
  | { readonly outcome: "fell"; readonly seen: string }
  | { readonly outcome: "not applicable"; readonly reason: string };

/** The longest piece of evidence that a report shows, in characters. */
const longestEvidence = 200;

/** Nothing of what the attack was after has happened. */
export const held = (): Verdict => ({ outcome: "held" });

/** It has happened; `seen` says what was seen. */
export const fell = (seen: string): Verdict => ({ outcome: "fell", seen: shown(seen, 2 * longestEvidence) });

/** The target has nothing that the attack could be tried on. */
export const notApplicable = (reason: string): Verdict => ({ outcome: "not applicable", reason });

/** Fell if anything was found, with the first three findings as the evidence; held otherwise. */
export function verdictOf(findings: readonly string[]): Verdict {
  if (findings.length === 0) return held();
  const first = findings.slice(0, 3).map((finding) => shown(finding));
  const more = findings.length > first.length ? [`and ${findings.length - first.length} more`] : [];
  return fell([...first, ...more].join(" · "));
}

/** Makes bytes fit for a line of a report: controls are escaped, and what is too long is cut. */
function shown(text: string, limit: number = longestEvidence): string {
  let line = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 13) line += "\\r";
    else if (code === 10) line += "\\n";
    else if (code < 32 || (code > 126 && code < 160)) line += `\\x${code.toString(16).padStart(2, "0")}`;
    else line += character;
    if (line.length >= limit) return `${line.slice(0, limit)}…`;
  }
  return line;
}
