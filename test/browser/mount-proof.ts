import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import type { TenantEmulator, TenantEmulatorKind } from "../../src/emulator.ts";
import { loginsAt, subjectAt } from "../support/tenant-kind.ts";
import type { Tab } from "./browsers.ts";
import { barsOf } from "./dashboard-parts.ts";
import { lookAt } from "./looks.ts";
import type { Mount } from "./mounts-world.ts";
import { barHeights, press, pressAway } from "./tab-acts.ts";

/** What a hand takes to go from the bar to the button, at least. Milliseconds. */
const pause = 500;

/**
 * Clicks until the other bars have faded, as somebody would who looks. A click that comes before the chart listens
 * is lost. A selection that is confirmed before the engine has it begins anew, and holds nothing; bars fade before that.
 */
async function clickBar(tab: Tab, index: number): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const bar = barsOf(await lookAt(tab))[index];
    if (bar === undefined) throw new Error(`There is no bar ${index}`);
    await tab.click((bar.left + bar.right) / 2, (bar.top + bar.bottom) / 2);
    for (let look = 1; look <= 30; look += 1) {
      if (barsOf(await lookAt(tab)).length === 1) return wait(pause);
      await wait(100);
    }
  }
  throw new Error("No click selects a bar");
}

/** Asks for the user through the vendor's own client; the status of the answer. */
const askByVendor = ({ base, authType }: Mount): string => `
  QlikMain.import("invoke-fetch@v1").then(({ invokeFetch }) => invokeFetch("users", {
    method: "get", pathTemplate: "/api/v1/users/me",
    options: { hostConfig: { host: "${base}", authType: "${authType}" }, noCache: true },
  })).then(({ status }) => status, (error) => error.status ?? String(error))`;

const askSession = ({ base }: Mount, method = "GET"): string => `
  fetch("${base}/_session", { method: "${method}", credentials: "include" })
    .then(async (response) => response.status === 204 ? 204 : response.json())`;

/** What {@link proveMount} takes to where it looks; asked for when the tests run. */
export interface ProvenMount {
  readonly kind: TenantEmulatorKind;
  readonly tab: () => Tab;
  readonly tenant: () => TenantEmulator;
  readonly mount: () => Mount;
  /** Notes what has been seen. */
  readonly saw: (column: MountColumn, text: string) => void;
}

/** What a mount has to do, in this order. */
export const mountColumns = ["through the proxy", "click on a bar", "session expires", "log-out"] as const;
export type MountColumn = (typeof mountColumns)[number];

/** Tests that a chart is drawn, can be clicked, lives on when its session expires, and ends with the log-out. */
export function proveMount({ kind, tab, tenant, mount, saw }: ProvenMount): void {
  const subject = (): string => subjectAt(kind, mount().subject);

  test("draws the chart", async () => {
    await tab().goto(mount().signIn());
    expect(await barHeights(tab(), 3)).toHaveLength(3);
    saw("through the proxy", "chart drawn");
  });

  test("selects with a click on a bar", async () => {
    await clickBar(tab(), 1);
    await pressAway(tab(), '[title="Confirm selection"]');
    expect(await barHeights(tab(), 1)).toHaveLength(1);
    saw("click on a bar", "selects");
  });

  test("renews an expired session without anybody noticing", async () => {
    tenant().take();
    expect(tenant().sessions.expire(subject())).toBe(1);
    expect(await tab().run(askByVendor(mount()))).toBe(200);
    await press(tab(), '[title="Clear all selections"]');
    expect(await barHeights(tab(), 3)).toHaveLength(3);
    expect(loginsAt(tenant(), kind)).toHaveLength(1);
    expect(await tab().run("closeCodes")).toEqual([]);
    saw("session expires", "renewed unseen");
  });

  test("is over with the log-out", async () => {
    expect(await tab().run(askSession(mount()))).toMatchObject({ active: true, sockets: 1 });
    expect(await tab().run(askSession(mount(), "DELETE"))).toBe(204);
    await expect.poll(() => tab().run("closeCodes.slice(0, 1)"), { timeout: 2000 }).toEqual([4203]);
    expect(await tab().run(askSession(mount()))).toMatchObject({ active: false, sockets: 0 });
    const asked = `fetch("${mount().base}/api/v1/users/me", { credentials: "include" })`;
    expect(await tab().run(`${asked}.then(({ status }) => status)`)).toBe(401);
    expect(
      tenant()
        .sessions.list()
        .filter((each) => each.subject === subject()),
    ).toEqual([]);
    saw("log-out", "ends it");
  });
}
