import type { Symptom } from "./symptom.ts";
import { tenantSymptoms } from "./tenant-symptoms.ts";
import { waySymptoms } from "./way-symptoms.ts";

/** Everything that is reproduced between this machine and the tenant. */
export const symptoms: readonly Symptom[] = [...tenantSymptoms, ...waySymptoms];
