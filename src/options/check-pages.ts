import type { OptionProblem } from "../errors.ts";
import type { ResolvedOptions } from "./resolved-options.ts";
import { presetsWithPages } from "../tenant/routes.ts";

/**
 * Warns of pages of the tenant that will show nothing.
 *
 * Below a prefix ("" is the root mount) they are delivered, and then ask for their files at the root of the origin, where
 * the proxy does not answer (facts §8). On a host name of its own they are framed by pages of another.
 */
export function pageWarnings({
  policy: { presets },
  prefix,
  root,
  frameAncestors,
}: Pick<ResolvedOptions, "policy" | "prefix" | "root" | "frameAncestors">): readonly OptionProblem[] {
  const at = presets.findIndex((name) => presetsWithPages.has(name));
  if (at === -1) return [];
  if (root.ownHost && frameAncestors.every((source) => source.startsWith("'")))
    return [
      {
        path: "frameAncestors",
        message: `names no origin: no page of your application may show the pages of "${presets[at]}" in a frame`,
      },
    ];
  if (prefix === "") return [];
  return [
    {
      path: `policy.presets[${at}]`,
      message:
        `pages of "${presets[at]}" ask for their files at the root, such as /resources/…, not below ${prefix}: ` +
        'they need prefix "/"',
    },
  ];
}
