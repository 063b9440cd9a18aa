import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, lookUntil, newProfile } from "../browser/chromium.ts";
import { barsOf } from "../browser/dashboard-parts.ts";
import { nextEvent, openEnigma } from "../support/vendor-enigma.ts";
import { type ExampleWorld, signIn, startExampleWorld, visitor } from "./example-world.ts";

/* Every example as its reader runs it: installed by its own lock file, started by `npm start`. */

const names = ["plain-http", "express", "koa", "nestjs"] as const;
const app = "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";

let world: ExampleWorld;
let browser: Browser;

beforeAll(async () => {
  world = await startExampleWorld(names);
  // They install while others are tested; a failure shows where the example is waited for.
  for (const name of names) world.clone.install(name).catch(() => {});
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

describe.each(names)("the example %s", { timeout: 120_000 }, (name) => {
  let origin: string;
  beforeAll(async () => {
    await world.clone.install(name);
    ({ origin } = await world.clone.start(name, world.variables));
  }, 120_000);

  test("asks who one is, and lets nobody in unasked", async () => {
    const stranger = visitor(origin, "");
    expect(await (await stranger.ask("/")).text()).toContain("Who are you?");
    expect((await stranger.ask("/qlik/api/v1/users/me")).status).toBe(401);
    expect(
      (await stranger.ask("/sign-in", { method: "POST", body: new URLSearchParams({ person: "__proto__" }) }))
        .status,
    ).toBe(400);
  });

  test("signs in at Qlik whoever is signed in here, for requests and sockets, until they sign out", async () => {
    const alice = await signIn(origin, "alice");
    expect(await (await alice.ask("/qlik/api/v1/users/me")).json()).toMatchObject({
      name: "Alice Johansson",
    });
    const engine = await openEnigma({
      host: `${origin}/qlik`,
      path: app,
      headers: { origin, cookie: alice.cookie },
    });
    expect(await engine.doc.getAppLayout()).toMatchObject({ qTitle: expect.any(String) });

    const closed = nextEvent(engine.session, "closed");
    expect((await alice.ask("/sign-out", { method: "POST" })).headers.get("location")).toBe("/");
    expect(await closed).toMatchObject({ code: 4203 });
    // A copy of the cookie is worth nothing either.
    expect((await alice.ask("/qlik/api/v1/users/me")).status).toBe(401);
  });

  test("draws a chart", async () => {
    const profile = await newProfile(browser);
    const page = await profile.newPage();
    await page.goto(origin);
    await page.getByRole("button", { name: "Bruno Keller" }).click();
    const chart = page.locator("#chart");
    const bars = barsOf(await lookUntil(chart, (look) => barsOf(look).length > 2));
    expect(bars.length).toBeGreaterThan(2);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Alice Johansson" }).waitFor();
    await profile.close();
  });
});
