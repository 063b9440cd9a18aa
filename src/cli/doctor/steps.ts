import { browserStep } from "./browser-step.ts";
import { doorSteps } from "./door-steps.ts";
import { engineStep } from "./engine-step.ts";
import { localSteps } from "./local-steps.ts";
import { placeSteps } from "./place-steps.ts";
import { reachSteps } from "./reach-steps.ts";
import { sessionSteps, signOutStep } from "./session-steps.ts";
import type { Step } from "./step.ts";
import { tenantSteps } from "./tenant-steps.ts";

/** Everything that is looked at, in its order. */
export const steps: readonly Step[] = [
  ...localSteps,
  ...doorSteps,
  ...placeSteps,
  ...reachSteps,
  ...tenantSteps,
  ...sessionSteps,
  engineStep,
  browserStep,
  signOutStep,
];
