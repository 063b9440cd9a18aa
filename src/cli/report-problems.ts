import { type OptionProblem, OptionsError } from "../errors.ts";
import { ListenError } from "../server/listener.ts";
import { complain } from "./verb.ts";

/** Tells the operator what is wrong, when it is a thing that an operator can put right; otherwise throws it on. */
export function reportFailure(error: unknown): 1 {
  if (!(error instanceof OptionsError) && !(error instanceof ListenError)) throw error;
  complain(`qlik-session-proxy: ${error.message}`);
  return 1;
}

/** Tells the operator what works, but should not stay so. */
export function reportWarnings(warnings: readonly OptionProblem[]): void {
  for (const { path, message } of warnings) complain(`warning: ${path}: ${message}`);
}
