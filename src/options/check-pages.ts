import type { OptionProblem } from "../errors.ts";
import { presetsWithPages } from "../tenant/routes.ts";

/**
 * Warns of pages of the tenant below a prefix ("" is the root mount).
 *
 * They are delivered, and then ask for their files at the root of the origin, where the proxy does not answer. facts §8
 */
export function pageWarnings(presets: readonly string[], prefix: string): readonly OptionProblem[] {
  const at = presets.findIndex((name) => presetsWithPages.has(name));
  if (at === -1 || prefix === "") return [];
  return [
    {
      path: `policy.presets[${at}]`,
      message:
        `pages of "${presets[at]}" ask for their files at the root, such as /resources/…, not below ${prefix}: ` +
        'they need prefix "/"',
    },
  ];
}
