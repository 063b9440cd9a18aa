import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { learnTenant } from "../../src/cli/doctor/learn/learn.ts";
import { learnStep } from "../../src/cli/doctor/learn/learn-step.ts";
import { runSteps } from "../../src/cli/doctor/run-steps.ts";
import { steps } from "../../src/cli/doctor/steps.ts";
import { Visit } from "../../src/cli/doctor/visit.ts";
import { toModes } from "../../src/cli/local-tenant.ts";
import { resolveModes, type TenantModes } from "../../src/emulator/modes.ts";
import {
  formatTenantProfile,
  readTenantProfile,
  type TenantProfile,
} from "../../src/server/tenant-profile.ts";
import { eventually } from "../support/assertions.ts";
import { closeWorld, createWorld, type World } from "./tenant-world.ts";

/** What a visit can tell of a tenant; the rest takes longer than anybody waits, or is no behaviour of a tenant. */
type Learned = Partial<TenantModes>;

const localSteps = steps.filter(({ name }) => ["configuration", "key", "claims"].includes(name));

async function visitTo(world: World): Promise<Visit> {
  const file = world.folder.write("config.yaml", world.config);
  const person = { subject: "ann@acme.test", groups: ["Sales EMEA"] };
  const visit = new Visit({ sources: { file, environment: {} }, person, app: undefined });
  await runSteps(localSteps, visit, () => {});
  return visit;
}

async function learnOf(world: World, watch = 20): Promise<TenantProfile> {
  const visit = await visitTo(world);
  try {
    return await learnTenant(visit, { patience: 250, watch });
  } finally {
    await visit.get("upstream").close();
  }
}

/** The modes that stay as they are, and are learned so. */
const expected = (changes: Learned): Learned => {
  const all = { ...resolveModes(), ...changes };
  return Object.fromEntries((Object.keys(toLearn) as (keyof TenantModes)[]).map((name) => [name, all[name]]));
};

/** Every mode that can be learned, as it is not by default. */
const toLearn: Learned = {
  badTokenStatus: 400,
  requireSubType: false,
  requireEmail: false,
  requireJti: false,
  foreignOrigin: "answerWithoutCors",
  socketWithoutSession: "closeAfter101",
  endSocketsWithSession: true,
  requireSocketCsrf: false,
  loadBalancerCookies: false,
  secureCookies: false,
  signatureLength: 27,
  autoAssignLicense: false,
  bootEndpoint: false,
  takeOverGroups: false,
  socketIdleCut: 200,
  socketPing: 200,
};

const isTime = (name: string): boolean => name === "socketIdleCut" || name === "socketPing";

describe("what is learned of a tenant is how it behaves", () => {
  test.each([
    ["as it is by default", {}],
    ...Object.entries(toLearn).map(([name, value]) => [name, { [name]: value }]),
  ] as [string, Learned][])("%s", async (name, modes) => {
    const world = await createWorld({ tenant: { modes } });
    try {
      const profile = await learnOf(world, isTime(name) ? 700 : undefined);
      const found = toModes(profile);
      // Times are as exact as a loaded machine lets them be: any will do, where one was to be learned.
      const coarse = (all: Learned): unknown =>
        Object.fromEntries(
          Object.entries(all).map(([key, value]) => [
            key,
            isTime(key) && typeof value === "number" ? "a time" : value,
          ]),
        );
      expect(coarse(found)).toEqual(coarse(expected(modes)));
      expect(world.tenant.sessions.list()).toEqual([]);
    } finally {
      await closeWorld(world);
    }
  });
});

test("a profile holds no name, address or secret, and is read as it was written", async () => {
  const world = await createWorld({ tenant: { sessionIdle: 15 * 60_000, sessionLifetime: 120 * 60_000 } });
  try {
    const profile = await learnOf(world);
    const text = formatTenantProfile(profile);
    const file = world.folder.write("profile.yaml", text);
    expect(readTenantProfile(file)).toEqual({ profile });
    const cookies = world.tenant
      .recordings()
      .flatMap(({ headers }) => headers.filter(([name]) => /^(?:cookie|authorization)$/i.test(name)))
      .flatMap(([, value]) => value.split(/[;=. ]+/))
      .filter((part) => part.length > 20);
    expect(cookies.length).toBeGreaterThan(20);
    for (const secret of [...cookies, "ann@acme.test", "acme", "Sales"]) expect(text).not.toContain(secret);
    expect(profile.limits).toEqual({ idleMinutes: 15, lifetimeMinutes: 120 });
  } finally {
    await closeWorld(world);
  }
});

test.each([
  ["that has just begun", 0],
  ["that is under way", 100],
])("an interruption of a watch %s ends the sessions, and writes no profile", async (_when, later) => {
  const world = await createWorld();
  const visit = await visitTo(world);
  try {
    const file = join(world.folder.path, "profile.yaml");
    const learning = runSteps([learnStep({ file, patience: 50, watch: 60_000 })], visit, () => {});
    await eventually(() => expect(world.tenant.sockets.list()).toHaveLength(1));
    await sleep(later);
    visit.interruption.abort();
    expect(await learning).toMatchObject([{ outcome: "notTried", found: "not tried: interrupted" }]);
    expect(existsSync(file)).toBe(false);
    expect(world.tenant.sessions.list()).toEqual([]);
  } finally {
    await visit.get("upstream").close();
    await closeWorld(world);
  }
});
