import { type OptionProblem, OptionsError } from "../errors.ts";
import { ListenError, listenProblem } from "../server/listener.ts";
import { complain } from "./verb.ts";

/** Tells the operator what is wrong, when it is a thing that an operator can put right; otherwise throws it on. */
export function reportFailure(error: unknown): 1 {
  const message =
    error instanceof OptionsError || error instanceof ListenError ? error.message : listenProblem(error);
  if (message === null) throw error;
  complain(`qlik-session-proxy: ${message}`);
  return 1;
}

/** Tells the operator what works, but should not stay so. */
export function reportWarnings(warnings: readonly OptionProblem[]): void {
  for (const { path, message } of warnings) complain(`warning: ${path}: ${message}`);
}

/** Refuses a verb for development in production; true when it was refused. attacks A6 */
export function refusedInProduction(verb: string): boolean {
  if (process.env["NODE_ENV"] !== "production") return false;
  complain(`qlik-session-proxy: ${verb} is for development and does not run with NODE_ENV=production`);
  return true;
}
