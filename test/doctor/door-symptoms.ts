import type { CauseName } from "../../src/cli/doctor/causes.ts";
import type { DoorFaults } from "./front-door.ts";

/** A front door that is wrongly set up, and what the doctor must say of it. */
export interface DoorSymptom {
  readonly row: string;
  readonly what: string;
  readonly broken: string;
  readonly faults: DoorFaults;
  readonly step: string;
  readonly cause: CauseName;
}

/** Symptoms between the browser and the proxy, each with its cause. */
export const doorSymptoms: readonly DoorSymptom[] = [
  {
    row: "7",
    what: "WebSockets fail below publicOrigin, requests pass",
    broken: "the front door drops Upgrade",
    faults: { noUpgrades: true },
    step: "door-upgrade",
    cause: "door-upgrade",
  },
  {
    row: "28",
    what: "one user sees another's data: a cache in the front door",
    broken: "the front door answers from a cache",
    faults: { caches: true },
    step: "public-origin",
    cause: "shared-cache",
  },
  {
    row: "–",
    what: "421 for everything",
    broken: "the front door gives the proxy its own address as the host",
    faults: { ownHost: true },
    step: "public-origin",
    cause: "door-host",
  },
  {
    row: "–",
    what: "404 pages of the application below the prefix",
    broken: "the front door does not lead the prefix to the proxy",
    faults: { answersItself: true },
    step: "public-origin",
    cause: "door-elsewhere",
  },
  {
    row: "–",
    what: "anybody can be anybody",
    broken: "the front door passes on the subject that a client sends",
    faults: { trustsStrangers: "the subject" },
    step: "door-identity",
    cause: "door-identity",
  },
  {
    row: "–",
    what: "anybody can be anybody, in any group",
    broken: "the front door passes on every identity header that a client sends",
    faults: { trustsStrangers: "everything" },
    step: "door-identity",
    cause: "door-identity",
  },
];
