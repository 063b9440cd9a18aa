import { runTool, type ToolRun } from "../support/tool-command.ts";

/** Runs `npm run attack -- …` against the last build, which other tests are using too. */
export const attack = (...args: readonly string[]): Promise<ToolRun> =>
  runTool("attack", ["--built", ...args]);
