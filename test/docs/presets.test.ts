import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { neverForwarded, presets } from "../../src/tenant/routes.ts";

test("the page of presets names every rule, with its class, and no other", () => {
  const page = readFileSync(new URL("../../docs/reference/presets.md", import.meta.url), "utf8");
  const written = [...page.matchAll(/^\| `([^`]+)` +\| (\w+) +\|$/gm)].map(([, rule, routeClass]) => [
    rule,
    routeClass,
  ]);
  const known = Object.values(presets).flatMap((rules) =>
    rules.map(({ rule, routeClass }) => [rule, routeClass]),
  );
  expect(written).toEqual(known);
  expect([...page.matchAll(/^- `([^`]+)`$/gm)].map(([, path]) => path)).toEqual(neverForwarded);
});
