import { createPolicy, type Policy } from "../policy/matcher.ts";
import { parseRule, type RouteClass, type RouteRule } from "../policy/rule.ts";
import { neverForwarded, presets } from "../tenant/routes.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";

/** Joins the tenant's named route sets and the operator's lines into one policy. */
export function createRoutePolicy({ policy }: Pick<ResolvedOptions, "policy">): Policy {
  return createPolicy({
    allow: [
      ...policy.presets.flatMap((name) =>
        (presets[name] ?? []).map(({ rule, routeClass }) => parsed(rule, `preset ${name}`, routeClass)),
      ),
      ...policy.allow.map((line, index) => parsed(line, `policy.allow[${index}]`)),
    ],
    deny: [
      ...neverForwarded
        .flatMap((path) => [path, `UPGRADE ${path}`])
        .map((line) => parsed(line, "never forwarded")),
      ...policy.deny.map((line, index) => parsed(line, `policy.deny[${index}]`)),
    ],
  });
}

function parsed(line: string, from: string, routeClass?: RouteClass): RouteRule {
  const rule = parseRule(line, routeClass);
  // Lines were checked with the other options; a preset that cannot be read is a fault of ours.
  if ("problem" in rule) throw new Error(`${line}: ${rule.problem}`);
  return { ...rule, from };
}
