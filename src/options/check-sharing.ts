import type { OptionProblem } from "../errors.ts";
import type { StoreChoice } from "./store-choice.ts";

/** What tells how many processes serve the tenant. */
export interface Surroundings {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Whether `node:cluster` started this process. */
  readonly isClusterWorker: boolean;
}

/**
 * Warns of a store that the processes cannot share.
 *
 * It works, more or less, which is what makes it worth a loud word: each process logs the users in for itself, and a
 * log-out is heard by one of them.
 */
export function sharingWarnings(
  kind: StoreChoice["kind"],
  replicas: number,
  surroundings: Surroundings,
): readonly OptionProblem[] {
  if (kind !== "memory" && kind !== "file") return [];
  const several = replicas > 1 ? `replicas is ${replicas}` : kind === "memory" ? signOf(surroundings) : null;
  if (several === null) return [];
  const store = kind === "memory" ? "the memory store" : "a file store";
  return [
    {
      path: "store",
      message:
        `${several}, but ${store} is shared by nobody: every process logs each user in for itself, and A LOG-OUT ` +
        "ENDS THE SESSION IN ONE OF THEM ONLY; name a store that all of them reach, such as redis://HOST",
    },
  ];
}

/** What shows that this process is one of several; null where nothing does. */
function signOf({ environment, isClusterWorker }: Surroundings): string | null {
  if (isClusterWorker) return "this process is a worker of node:cluster";
  // pm2 counts from 0, and sets 0 for an application of one process too.
  const instance = countIn(environment["NODE_APP_INSTANCE"]);
  if (instance > 0) return `NODE_APP_INSTANCE is ${instance}`;
  const concurrency = countIn(environment["WEB_CONCURRENCY"]);
  return concurrency > 1 ? `WEB_CONCURRENCY is ${concurrency}` : null;
}

const countIn = (text: string | undefined): number => (/^\d{1,6}$/.test(text ?? "") ? Number(text) : 0);
