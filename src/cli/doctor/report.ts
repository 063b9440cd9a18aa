import { causes } from "./causes.ts";
import { visible } from "../sessions-text.ts";
import type { StepResult } from "./run-steps.ts";

const marks: Readonly<Record<StepResult["outcome"], string>> = {
  passed: "ok",
  warned: "warn",
  failed: "FAILED",
  skipped: "-",
  notTried: "-",
};

/** A line of a step begins here. */
const indent = " ".repeat(24);

/** A step for people: what was found, and where something is wrong its cause and remedy. */
export function linesOf({ step, outcome, found, cause, remedy }: StepResult): readonly string[] {
  const [first = "", ...more] = found.split("\n").map(visible);
  const lines = [
    `${marks[outcome].padEnd(8)}${step.padEnd(16)}${first}`,
    ...more.map((line) => indent + line),
  ];
  if (cause === undefined) return lines;
  return [
    ...lines,
    `${indent}cause   ${causes[cause].because} [${cause}]`,
    `${indent}remedy  ${remedy ?? causes[cause].remedy}`,
  ];
}

/** The last line for people. */
export function summaryOf(results: readonly StepResult[]): string {
  const count = (outcome: StepResult["outcome"]): number =>
    results.filter((result) => result.outcome === outcome).length;
  const parts = [
    `${count("passed")} of ${results.length} steps passed`,
    `${count("warned")} warned`,
    `${count("failed")} failed`,
    `${count("notTried")} not tried`,
    `${count("skipped")} do not apply`,
  ];
  return parts.join(", ");
}

/** Everything for machines. */
export function documentOf(results: readonly StepResult[]): Readonly<Record<string, unknown>> {
  return {
    ok: isWell(results),
    steps: results.map(({ step, outcome, found, cause, remedy, ms }) => ({
      step,
      outcome,
      found,
      ...(cause === undefined
        ? {}
        : { cause, because: causes[cause].because, remedy: remedy ?? causes[cause].remedy }),
      ms,
    })),
  };
}

/** Whether nothing has failed, and the last step was reached. */
export const isWell = (results: readonly StepResult[]): boolean =>
  results.every(({ outcome }) => outcome !== "failed" && outcome !== "notTried");
