import { randomHex } from "./random-values.ts";

/** An entry of the content security policy: facts §4. */
export interface CspOrigin {
  readonly id: string;
  readonly origin: string;
  /** Which directives the origin is added to, by their API name: `frameAncestors`, `connectSrc`, ... */
  readonly directives: readonly string[];
}

/** The content security policy of the tenant's pages. */
export interface CspOrigins {
  add(origin: string, directives: readonly string[]): CspOrigin;
  remove(id: string): boolean;
  list(): readonly CspOrigin[];
  /** Makes the header for pages of `origin`: frames by itself and the entries, connections to the tenant only (facts §13). */
  header(origin: string): string;
}

/** API names that differ from the directive by more than case: facts §4. */
const directiveNames: Readonly<Record<string, string>> = { connectSrcWSS: "connect-src" };

/** The flags an entry may have: facts §4. */
export const cspDirectives: readonly string[] = [
  "childSrc",
  "connectSrc",
  "connectSrcWSS",
  "fontSrc",
  "formAction",
  "frameAncestors",
  "frameSrc",
  "imgSrc",
  "mediaSrc",
  "objectSrc",
  "scriptSrc",
  "styleSrc",
  "workerSrc",
];

function toDirective(flag: string): string {
  return directiveNames[flag] ?? flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Creates the policy with the origins that may frame pages. */
export function createCspOrigins(frameAncestors: readonly string[]): CspOrigins {
  const entries = new Map<string, CspOrigin>();
  const add = (origin: string, directives: readonly string[]): CspOrigin => {
    const entry = { id: randomHex(24), origin, directives };
    entries.set(entry.id, entry);
    return entry;
  };
  for (const origin of frameAncestors) add(origin, ["frameAncestors"]);
  return {
    add,
    remove: (id) => entries.delete(id),
    list: () => [...entries.values()],
    header(origin) {
      const policy = new Map([
        ["default-src", ["'self'"]],
        ["script-src", ["'self'"]],
        ["style-src", ["'self'", "'unsafe-inline'"]],
        ["img-src", ["'self'", "data:"]],
        ["connect-src", ["'self'", origin, origin.replace(/^http/, "ws")]],
        ["frame-ancestors", ["'self'"]],
      ]);
      for (const entry of entries.values())
        for (const flag of entry.directives) {
          const name = toDirective(flag);
          const source = flag === "connectSrcWSS" ? entry.origin.replace(/^http/, "ws") : entry.origin;
          policy.set(name, [...(policy.get(name) ?? ["'self'"]), source]);
        }
      return [...policy].map(([name, sources]) => `${name} ${sources.join(" ")}`).join("; ");
    },
  };
}
