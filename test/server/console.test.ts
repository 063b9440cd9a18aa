import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ConsoleState } from "../../src/server/console/console.ts";
import { expectTenantError } from "../support/assertions.ts";
import { type AdminWorld, adminWorlds } from "./admin-world.ts";

const world = adminWorlds();
const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };

const stateOf = async ({ ask }: AdminWorld, query = ""): Promise<ConsoleState> =>
  (await ask("GET", `/console/state${query}`)).json() as ConsoleState;

describe("GET /", () => {
  test("is refused without the token: to a person with a page that holds no data, to a program as data", async () => {
    const { visit, ask, askUnknown } = await world();
    await visit("a-person-of-note");
    const refused = expectTenantError(await askUnknown("GET", "/"), 401, "QSP-UNAUTHENTICATED");
    expect(refused.detail).toContain("Authorization: Bearer");
    const page = await askUnknown("GET", "/", { headers: navigation });
    expect([page.status, page.header("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(page.text).not.toContain("a-person-of-note");
    const shown = await ask("GET", "/");
    expect([shown.status, shown.header("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(shown.text).toBe(page.text);
  });

  test("lets nothing run but what it was built with, and nobody frame, keep or read it", async () => {
    const { ask } = await world();
    const page = await ask("GET", "/", { headers: navigation });
    const policy = page.header("content-security-policy") ?? "";
    const directives = new Map(
      policy.split("; ").map((each) => [each.split(" ")[0], each.split(" ").slice(1)] as const),
    );
    for (const [element, directive] of [
      ["script", "script-src"],
      ["style", "style-src"],
    ] as const) {
      const contents = [...page.text.matchAll(new RegExp(`<${element}[^>]*>(.*?)</${element}>`, "gs"))];
      const hashes = contents.map(([, content = ""]) =>
        createHash("sha256").update(content).digest("base64"),
      );
      expect(directives.get(directive)).toEqual(hashes.map((hash) => `'sha256-${hash}'`));
      expect(hashes).toHaveLength(1);
    }
    expect(directives.get("default-src")).toEqual(["'none'"]);
    expect(directives.get("connect-src")).toEqual(["'self'"]);
    expect(directives.get("frame-ancestors")).toEqual(["'none'"]);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    // Self-contained: nothing is fetched from anywhere.
    expect(page.text).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)="(?!data:)/);
    expect(page.header("cache-control")).toBe("no-store");
    expect(page.header("x-content-type-options")).toBe("nosniff");
    expect(page.header("cross-origin-resource-policy")).toBe("same-origin");
  });
});

describe("GET /console/state", () => {
  test("needs the token, and takes its two parameters only", async () => {
    const { ask, askUnknown } = await world();
    expectTenantError(await askUnknown("GET", "/console/state"), 401, "QSP-UNAUTHENTICATED");
    for (const query of ["?point=x", "?event=-1", "?sort=at", "?point=1&point=2"])
      expectTenantError(await ask("GET", `/console/state${query}`), 400, "QSP-TARGET");
  });

  test("tells how it stands and what happened since, and names nobody", async () => {
    const made = await world();
    await made.visit("a-person-of-note");
    made.tenant.users.setStatus("a-refused-person", "disabled");
    await made.visit("a-refused-person");
    const state = await stateOf(made);
    expect(state).toMatchObject({ readiness: "ready", tenant: made.tenant.origin, stats: { sessions: 1 } });
    expect(state.events.map(({ event, level }) => [event, level])).toEqual([
      ["session.created", "info"],
      ["login.refused", "warn"],
      ["exchange.finished", "warn"],
    ]);
    expect(JSON.stringify(state)).not.toMatch(/a-person-of-note|a-refused-person/);
    const last = state.events.at(-1)?.id ?? 0;
    await made.ask("DELETE", "/sessions?subject=a-person-of-note");
    const later = await stateOf(made, `?event=${last}`);
    expect(later.events.map(({ event }) => event).toSorted()).toEqual(["session.ended", "session.revoked"]);
  });

  test("has a point for every moment, with what happened in it", async () => {
    const made = await world();
    for (let count = 0; count < 4; count += 1) await made.visit("ann");
    await made.browse("/api/v1/none", "ann");
    const points = await expect
      .poll(async () => (await stateOf(made)).points, { timeout: 10_000 })
      .not.toEqual([])
      .then(async () => (await stateOf(made)).points);
    const total = (of: "requests" | "errors"): number =>
      points.flatMap((point) => point[of]).reduce((sum, perSecond) => sum + perSecond * 2, 0);
    expect(Math.round(total("requests"))).toBe(5);
    expect(Math.round(total("errors"))).toBe(1);
    expect(points.some(({ login95, tenant95 }) => login95 !== null && tenant95 !== null)).toBe(true);
    expect(points.at(-1)?.sessions).toBe(1);
    expect((await stateOf(made, `?point=${points.at(-1)?.at}`)).points.length).toBeLessThan(points.length);
  });
});

test("a page of the listener itself may end sessions, with the token; no other page may", async () => {
  const { visit, ask, askUnknown, adminUrl, list } = await world();
  await visit("ann");
  const own = { origin: adminUrl, "sec-fetch-site": "same-origin" };
  for (const headers of [
    { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
    { origin: adminUrl, "sec-fetch-site": "same-site" },
    { origin: adminUrl, host: "rebound.example" },
    { origin: `${adminUrl}0` },
  ] as readonly Record<string, string>[]) {
    const refused = await ask("DELETE", "/sessions?subject=ann", { headers });
    expectTenantError(refused, 403, "QSP-CROSS-SITE");
  }
  const unknown = await askUnknown("DELETE", "/sessions?subject=ann", { headers: own });
  expectTenantError(unknown, 401, "QSP-UNAUTHENTICATED");
  expect(await list()).toHaveLength(1);
  expect((await ask("DELETE", "/sessions?subject=ann", { headers: own })).json()).toEqual({ revoked: 1 });
});
