/** What a page's policy is made ours with. */
export interface PageSite {
  /** `publicOrigin` and prefix, without slash at the end. */
  readonly publicBase: string;
  /** Sources that may frame the page. */
  readonly frameAncestors: readonly string[];
}

/**
 * Turns the tenant's policies for a page, one or several in each header line, into such that fit our origin: who may frame
 * it is the operator's word, and the page may connect to us where the tenant let it connect to itself. facts §4
 */
export function pagePolicy(policies: readonly string[], site: PageSite): string {
  const ancestors = ancestorsPolicy(site.frameAncestors);
  const origin = new URL(site.publicBase).origin;
  const ours = `${origin} ${origin.replace(/^http/, "ws")}`;
  // A comma ends a policy wherever it stands. CSP 3 §2.2.2
  const single = policies.flatMap((line) => line.split(",")).filter((policy) => policy.trim() !== "");
  const rewritten = single.map((policy) => {
    const kept = policy
      .split(";")
      .map((directive) => directive.trim())
      .filter((directive) => directive !== "" && !isOneOf(directive, replaced))
      .map((directive) => (isOneOf(directive, ["connect-src"]) ? `${directive} ${ours}` : directive));
    return [...kept, ancestors].join("; ");
  });
  return rewritten.length === 0 ? ancestors : rewritten.join(", ");
}

/** Who may frame an answer: the operator's word, in place of whatever the tenant said. attacks C9 */
export function ancestorsPolicy(frameAncestors: readonly string[]): string {
  return `frame-ancestors ${frameAncestors.map(quoted).join(" ") || "'none'"}`;
}

/** Replaced, or of effect outside the page. */
const replaced = ["frame-ancestors", "report-uri", "report-to", "upgrade-insecure-requests"];

function isOneOf(directive: string, names: readonly string[]): boolean {
  const [name = ""] = directive.split(/\s/, 1);
  return names.includes(name.toLowerCase());
}

const quoted = (source: string): string => (source === "self" || source === "none" ? `'${source}'` : source);
