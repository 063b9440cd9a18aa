import { SessionProxyError } from "../../errors.ts";
import { failed, type Finding, skipped, type Step } from "./step.ts";
import type { Visit } from "./visit.ts";

/** A step that was looked at. */
export interface StepResult extends Omit<Finding, "outcome"> {
  readonly step: string;
  readonly outcome: Finding["outcome"] | "notTried";
  /** Milliseconds. */
  readonly ms: number;
}

/** Goes through the steps in their order; one that needs another that failed is not tried. */
export async function runSteps(
  steps: readonly Step[],
  visit: Visit,
  tell: (result: StepResult) => void,
): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  const missing = new Set<string>();
  for (const step of steps) {
    const reason = reasonAgainst(step, visit, missing);
    const startedAt = performance.now();
    const finding = reason === null ? await found(step, visit) : notTried(reason);
    if (finding.outcome === "failed" || finding.outcome === "notTried") missing.add(step.name);
    const result = { step: step.name, ms: Math.round(performance.now() - startedAt), ...finding };
    results.push(result);
    tell(result);
  }
  return results;
}

function reasonAgainst(step: Step, visit: Visit, missing: ReadonlySet<string>): string | null {
  if (visit.interruption.signal.aborted && step.cleansUp !== true) return "interrupted";
  const needed = step.needs.find((name) => missing.has(name));
  return needed === undefined ? null : `needs the step ${needed}`;
}

type StepFinding = Omit<StepResult, "step" | "ms">;

const notTried = (reason: string): StepFinding => ({ outcome: "notTried", found: `not tried: ${reason}` });

/** What is not of this kind of tenant is left out: nothing is missing then. */
function found(step: Step, visit: Visit): StepFinding | Promise<StepFinding> {
  const kind = visit.find("options")?.tenant.kind;
  return kind === undefined || (step.kinds?.includes(kind) ?? true)
    ? tried(step, visit)
    : skipped(`left out: a tenant of the kind ${kind} has no such thing`);
}

async function tried(step: Step, visit: Visit): Promise<StepFinding> {
  try {
    return await step.run(visit);
  } catch (error) {
    const { signal } = visit.interruption;
    if (signal.aborted && error === signal.reason) return notTried("interrupted");
    return failed(isOfTenant(error) ? "tenant-down" : "unexpected", describe(error));
  }
}

const isOfTenant = (error: unknown): boolean =>
  error instanceof SessionProxyError && (error.code === "QSP-TIMEOUT" || error.code === "QSP-UPSTREAM");

/** Names and codes only: a message may repeat what it is about. */
function describe(error: unknown): string {
  if (error instanceof SessionProxyError)
    return error.reason === undefined ? error.code : `${error.code}: ${error.reason}`;
  const { name, code } = error as NodeJS.ErrnoException;
  return `${name}${code === undefined ? "" : ` ${code}`}`;
}
