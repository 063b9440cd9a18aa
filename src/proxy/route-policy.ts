import { createPolicy, type Policy } from "../policy/matcher.ts";
import { parseRule, type RouteClass, type RouteRule } from "../policy/rule.ts";
import { neverForwarded, presets } from "../tenant/routes.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";

/** Joins the tenant's named route sets and the operator's lines into one policy. */
export function createRoutePolicy({ policy }: Pick<ResolvedOptions, "policy">): Policy {
  const named = policy.presets.flatMap((name) => presets[name] ?? []);
  return createPolicy({
    allow: [
      ...named.map(({ rule, routeClass }) => parsed(rule, routeClass)),
      ...policy.allow.map((line) => parsed(line)),
    ],
    deny: [
      ...neverForwarded.flatMap((path) => [parsed(path), parsed(`UPGRADE ${path}`)]),
      ...policy.deny.map((line) => parsed(line)),
    ],
  });
}

function parsed(line: string, routeClass?: RouteClass): RouteRule {
  const rule = parseRule(line, routeClass);
  // Lines were checked with the other options; a preset that cannot be read is a fault of ours.
  if ("problem" in rule) throw new Error(`${line}: ${rule.problem}`);
  return rule;
}
