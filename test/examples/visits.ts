import { expect } from "vitest";
import { launchChromium, newProfile } from "../browser/chromium.ts";
import { barsOf } from "../browser/dashboard-parts.ts";
import { lookUntil } from "../browser/looks.ts";
import { nextEvent, openEnigma } from "../support/vendor-enigma.ts";

const app = "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";

/** A person's browser, as far as a portal without scripts needs one. */
interface Visitor {
  /** What the portal knows the browser by; empty for a stranger. */
  readonly cookie: string;
  ask(path: string, init?: RequestInit): Promise<Response>;
}

const visitor = (origin: string, cookie = ""): Visitor => ({
  cookie,
  ask: (path, init = {}) =>
    fetch(origin + path, {
      redirect: "manual",
      ...init,
      headers: { origin, "sec-fetch-site": "same-origin", ...(cookie === "" ? {} : { cookie }) },
    }),
});

const choose = (person: string): RequestInit => ({ method: "POST", body: new URLSearchParams({ person }) });

/** Signs a person in at an example's own form. */
async function signIn(origin: string, person: string): Promise<Visitor> {
  const answer = await visitor(origin).ask("/sign-in", choose(person));
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(";", 1)[0] ?? "");
  expect(cookies.join("; ")).toMatch(/^portal_session=/);
  return visitor(origin, cookies.join("; "));
}

/** Nobody is let in unasked, and nobody who is not one of the people. */
export async function visitAsStranger(origin: string): Promise<void> {
  const stranger = visitor(origin);
  expect(await (await stranger.ask("/")).text()).toContain("Who are you?");
  expect((await stranger.ask("/qlik/api/v1/users/me")).status).toBe(401);
  expect((await stranger.ask("/sign-in", choose("__proto__"))).status).toBe(400);
}

/** Requests and a socket of one who is signed in go to Qlik as that person, until they sign out. */
export async function visitAsAlice(origin: string): Promise<void> {
  const alice = await signIn(origin, "alice");
  expect(await (await alice.ask("/qlik/api/v1/users/me")).json()).toMatchObject({ name: "Alice Johansson" });
  const headers = { origin, cookie: alice.cookie };
  const { doc, session } = await openEnigma({ host: `${origin}/qlik`, path: app, headers });
  expect(await doc.getAppLayout()).toMatchObject({ qTitle: expect.any(String) as string });

  const closed = nextEvent(session, "closed");
  expect((await alice.ask("/sign-out", { method: "POST" })).headers.get("location")).toBe("/");
  expect(await closed).toMatchObject({ code: 4203 });
  // A copy of the cookie is worth nothing either.
  expect((await alice.ask("/qlik/api/v1/users/me")).status).toBe(401);
}

/** A browser signs in, sees bars, and signs out. */
export async function visitWithChromium(origin: string): Promise<void> {
  const browser = await launchChromium();
  try {
    const page = await (await newProfile(browser)).newPage();
    await page.goto(origin);
    await page.getByRole("button", { name: "Bruno Keller" }).click();
    const bars = barsOf(await lookUntil(page.locator("#chart"), (look) => barsOf(look).length > 2));
    expect(bars.length).toBeGreaterThan(2);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Alice Johansson" }).waitFor();
  } finally {
    await browser.close();
  }
}
