/** What a page's policy is made ours with. */
export interface PageSite {
  /** `publicOrigin` and prefix, without slash at the end. */
  readonly publicBase: string;
  readonly tenantOrigin: string;
  /** Sources that may frame the page. */
  readonly frameAncestors: readonly string[];
}

/**
 * Turns the tenant's policies for a page, one or several in each header line, into such that fit our origin: who may frame
 * it is the operator's word; wherever the tenant names itself we stand in its place, and the page may connect to us. facts §4
 */
export function pagePolicy(policies: readonly string[], site: PageSite): string {
  const ancestors = ancestorsPolicy(site.frameAncestors);
  const origin = new URL(site.publicBase).origin;
  const ours = `${origin} ${origin.replace(/^http/, "ws")}`;
  const tenantHost = new URL(site.tenantOrigin).host;
  const inOurPlace = (source: string): string => {
    const [, scheme = "https:", host = "", path = ""] = sourceParts.exec(source) ?? [];
    if (host.toLowerCase() !== tenantHost && host.toLowerCase() !== `${tenantHost}:443`) return source;
    return (scheme.toLowerCase().startsWith("ws") ? origin.replace(/^http/, "ws") : origin) + path;
  };
  // A comma ends a policy wherever it stands. CSP 3 §2.2.2
  const single = policies.flatMap((line) => line.split(",")).filter((policy) => policy.trim() !== "");
  const rewritten = single.map((policy) => {
    const kept = policy
      .split(";")
      .map((directive) => directive.trim())
      .filter((directive) => directive !== "" && !isOneOf(directive, replaced))
      .map((directive) => (isOneOf(directive, ["connect-src"]) ? `${directive} ${ours}` : directive))
      .map((directive) => [...new Set(directive.split(/\s+/).map(inOurPlace))].join(" "));
    return [...kept, ancestors].join("; ");
  });
  return rewritten.length === 0 ? ancestors : rewritten.join(", ");
}

/** Who may frame an answer: the operator's word, in place of whatever the tenant said. attacks C9 */
export function ancestorsPolicy(frameAncestors: readonly string[]): string {
  return `frame-ancestors ${frameAncestors.map(quoted).join(" ") || "'none'"}`;
}

/** A source that names a host: scheme, host with its port, path. */
const sourceParts = /^(https?:|wss?:)?(?:\/\/)?([^\s/:']+(?::\d+)?)(\/\S*)?$/i;

/** Replaced, or of effect outside the page. */
const replaced = ["frame-ancestors", "report-uri", "report-to", "upgrade-insecure-requests"];

function isOneOf(directive: string, names: readonly string[]): boolean {
  const [name = ""] = directive.split(/\s/, 1);
  return names.includes(name.toLowerCase());
}

const quoted = (source: string): string => (source === "self" || source === "none" ? `'${source}'` : source);
