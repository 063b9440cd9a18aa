import { createMemo } from "../../kernel/memo.ts";

/** What the tenant says about keeping an answer, and what the answer is. */
export interface CacheFacts {
  /** The tenant's `Cache-Control`; undefined where there is none. */
  readonly cacheControl: string | undefined;
  /** The tenant's `Vary` headers. */
  readonly vary: readonly string[];
  /** Whether it is an answer to one user. */
  readonly isPrivate: boolean;
  /** Path at the tenant. */
  readonly path: string;
  /** Whether it makes no sense in another form, as events that are held back, or a part of a file that is compressed by itself. */
  readonly isDelicate: boolean;
}

/** Says who may keep an answer for how long, and what it depends on. rules R7 */
export function cacheHeaders({ cacheControl, vary, isPrivate, path, isDelicate }: CacheFacts): string[] {
  const policy = isPrivate ? privatePolicy(cacheControl) : staticPolicy(cacheControl, path);
  const keepsForm = isDelicate || saysNoTransform(cacheControl);
  return [
    "cache-control",
    // A compressing middleware of the host leaves alone what says so. RFC 9111 §5.2.2.6
    keepsForm && !saysNoTransform(policy) ? `${policy}, no-transform` : policy,
    "vary",
    varyList(vary, isPrivate),
  ];
}

const saysNoTransform = (value: string | undefined): boolean =>
  value !== undefined && /\bno-transform\b/i.test(value);

/** What one user may see is never kept for another. */
const privatePolicy = (value: string | undefined): string =>
  value !== undefined && /\bno-store\b/i.test(value) ? "private, no-store" : "private, no-cache";

/** Only a static file whose name changes with its content keeps its age. */
function staticPolicy(value: string | undefined, path: string): string {
  if (value === undefined) return "no-cache";
  return /\b(immutable|no-store)\b/i.test(value) || fingerprinted.test(path) ? value : "no-cache";
}

const fingerprinted = /[.-][0-9a-f]{8,64}\.[a-z0-9]{1,8}$/i;

/** Lists that are remembered; a tenant sends a handful. */
const knownLists = 100;

/** Every name once, in its last spelling. Earned by: bench 200B. */
const namesOnce = createMemo(knownLists, (list) => {
  const names = new Map<string, string>();
  for (const name of list.split(",")) {
    const trimmed = name.trim();
    if (trimmed !== "") names.set(trimmed.toLowerCase(), trimmed);
  }
  return [...names.values()].join(", ");
});

const varyList = (given: readonly string[], isPrivate: boolean): string =>
  namesOnce(`${given.join(",")},Origin,Sec-Fetch-Site${isPrivate ? ",Cookie" : ""}`);
