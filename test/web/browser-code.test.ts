import { expect, test } from "vitest";
import { authModuleScript } from "../../src/proxy/own/auth-module-script.ts";

interface Sizes {
  /** Name, bytes minified, bytes packed. */
  readonly browserSizes: () => Promise<readonly (readonly [string, number, number])[]>;
}

interface Builder {
  readonly authModuleScript: () => Promise<string>;
}

test("the auth module that is served is what its source makes (if not: node tools/gen-auth-module.mjs)", async () => {
  const tool = new URL("../../tools/auth-module-script.mjs", import.meta.url);
  const builder = (await import(tool.href)) as Builder;
  expect(authModuleScript).toBe(await builder.authModuleScript());
});

test("the helper for pages costs a page no more than 2 KiB (node tools/browser-size.mjs)", async () => {
  const { browserSizes } = (await import(
    new URL("../../tools/browser-size.mjs", import.meta.url).href
  )) as Sizes;
  const sizes = await browserSizes();
  expect(sizes.map(([name]) => name)).toContain("qlik-session-proxy/browser");
  for (const [name, minified] of sizes) expect([name, Math.max(minified, 2048)]).toEqual([name, 2048]);
});
