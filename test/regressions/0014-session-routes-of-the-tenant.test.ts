/*
 * The tenant's own ways in and out of a session belong to the proxy. Only the policy stood before them, so an operator
 * who allows everything handed them to the browser with the user's cookies: `/login/...`, `/logout` in any spelling,
 * `/oauth/...`, and upgrades below the proxy's own name. No rule opens them.
 */
import { describe, expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

async function start(prefix: string) {
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { prefix, policy: { allow: ["/**", "UPGRADE /**"] } },
  });
  return { tenant, stack };
}

const both = [
  "/login/jwt-session",
  "/login/",
  "/LOGIN",
  "/Login/interactive",
  "/logout/",
  "/LOGOUT",
  "/%6cogout",
  "/%256cogout",
  "/logout;a=b",
  "/logout.",
  "/oauth/authorize",
  "/oauth",
  "/OAuth/token",
  "/.session",
  "/.session/x",
];

const sockets = [
  "/_session",
  "/_session/x",
  "/login",
  "/logout",
  "/oauth/authorize",
  "/.session",
  "/%6cogout",
];

describe.each([
  ["below a prefix", "/qlik", both],
  ["at the root", "/", [...both, "/login", "/logout"]],
])("%s, with a policy that allows everything", (_where, prefix, paths) => {
  test.each(["GET", "POST"])("%s reaches no way in or out of the tenant's sessions", async (method) => {
    const { tenant, stack } = await start(prefix);
    // The policy is in force, and there is a session to be had.
    expect((await stack.get("/api/v9/anything")).text).toBe("ann~1");
    const before = tenant.seen.length;
    for (const path of paths) {
      const answer = await stack.get(path, { method, headers: { origin: stack.origin } });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    expect(tenant.seen.slice(before)).toEqual([]);
    expect(tenant.logins).toHaveLength(1);
  });

  test("no upgrade reaches them either", async () => {
    const { tenant, stack } = await start(prefix);
    const upgrades: (string | undefined)[] = [];
    tenant.onUpgrade(({ request, accept }) => {
      upgrades.push(request.url);
      accept();
    });
    const open = stack.socket("/anything/else");
    await new Promise((resolve) => open.ws.once("open", resolve));
    open.ws.terminate();
    for (const path of sockets) {
      expect([path, (await stack.socket(path).refused).status]).toEqual([path, 404]);
    }
    expect(upgrades).toHaveLength(1);
  });
});
