import { isBelowApi, type PathReadings } from "./path-match.ts";
import type { RouteClass, RouteRule } from "./rule.ts";

/** What the policy says about a request. */
export interface Verdict {
  readonly allowed: boolean;
  /** The rule that decided, as written; null where none did. */
  readonly rule: string | null;
  /** Where that rule stands; null where no rule decided, or where it is not known. */
  readonly from: string | null;
  /** The class of the route; null where it is not allowed. */
  readonly routeClass: RouteClass | null;
  /** Why, in a sentence for the operator. */
  readonly reason: string;
}

/** The verdict of an allow rule. */
export function allowed(rule: RouteRule, upgrade: boolean, readings: PathReadings): Verdict {
  return {
    allowed: true,
    rule: rule.source,
    from: rule.from ?? null,
    routeClass: upgrade ? "engine" : httpClass(rule, readings),
    reason: "An allow rule applies.",
  };
}

/** Nothing below /api/ is a page, even where a rule for everything lets it through. */
function httpClass(rule: RouteRule, readings: PathReadings): RouteClass {
  return rule.routeClass === "page" && isBelowApi(readings) ? "rest" : rule.routeClass;
}

/** The verdict of a deny rule, or of none. */
export function denied(rule: RouteRule | null, reason: string): Verdict {
  return { allowed: false, rule: rule?.source ?? null, from: rule?.from ?? null, routeClass: null, reason };
}
