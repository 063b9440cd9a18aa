import { expect, test } from "vitest";
import { authModuleScript } from "../../src/proxy/own/auth-module-script.ts";

interface Builder {
  readonly authModuleScript: () => Promise<string>;
}

test("the auth module that is served is what its source makes (if not: node tools/gen-auth-module.mjs)", async () => {
  const tool = new URL("../../tools/auth-module-script.mjs", import.meta.url);
  const builder = (await import(tool.href)) as Builder;
  expect(authModuleScript).toBe(await builder.authModuleScript());
});
