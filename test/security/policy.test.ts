import { describe, expect, test } from "vitest";
import { presets } from "../../src/tenant/routes.ts";
import { type RawAnswer, send } from "../support/raw-client.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { answerBoth, doors, everything, forwarded, knockAt, openPath, through } from "./doors.ts";

const started = cleanedUp();

// attacks P8
describe("a method", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])(
    "%s that no rule names is refused, and nothing reaches the tenant",
    async (method) => {
      const { stack, upstream } = await started.raw(answerBoth);
      const answer = await knockAt(stack, "request", "/qlik/api/v1/items", { method });
      expect([answer.status, answer.body]).toEqual([404, expect.stringContaining("QSP-POLICY")]);
      expect(upstream.seen).toEqual([]);
    },
  );

  test("TRACE is refused whatever the rules say", async () => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy: everything } });
    expect((await knockAt(stack, "request", "/qlik/a", { method: "TRACE" })).status).toBe(404);
    expect(upstream.seen).toEqual([]);
  });

  test("CONNECT is hung up on whatever the rules say", async () => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy: everything } });
    for (const target of ["/qlik/a", "tenant.localhost:443", new URL(upstream.origin).host]) {
      const answer = await knockAt(stack, "request", target, { method: "CONNECT" });
      expect([target, answer.head + answer.body]).toEqual([target, ""]);
    }
    expect([upstream.seen, upstream.sockets.size]).toEqual([[], 0]);
  });

  test.each(["get", "FOO", "GET\t", "G\0ET"])("%j that HTTP does not know is refused", async (method) => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy: everything } });
    expect((await knockAt(stack, "request", "/qlik/a", { method })).status).toBe(400);
    expect(upstream.seen).toEqual([]);
  });

  test.each(["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"])("%s opens no socket", async (method) => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy: everything } });
    const answer = await knockAt(stack, "upgrade", "/qlik/app/a", { method });
    expect([answer.status, upstream.seen]).toEqual([method === "TRACE" ? 404 : 400, []]);
  });
});

// attacks P8
describe.each(doors)("on an incoming %s", (door) => {
  test.each([
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X_HTTP_Method_Override",
    "x-http_method-override",
  ])("%s is dropped, not refused, and the method is the request's own", async (name) => {
    const { stack, upstream } = await started.raw(answerBoth);
    const headers = [`${name}: DELETE`];
    const answer = await knockAt(stack, door, `/qlik${openPath(door)}`, { headers });
    expect(answer.status).toBe(through(door));
    const [request, ...more] = forwarded(upstream.seen);
    expect([request?.method, more]).toEqual(["GET", []]);
    expect(JSON.stringify(request?.headers)).not.toMatch(/DELETE|override|http.method/i);
  });
});

/** Sends a request straight to the tenant as the proxy would for its one user: the way it has sent another one. */
async function sendAsProxy({ get, tenant }: Stack): Promise<(path: string) => Promise<RawAnswer>> {
  const known = "/api/v1/users/me";
  await get(known);
  const { url = "", headers = [] } = tenant.recordings({ path: known })[0] ?? {};
  const shown = headers.filter(([name]) => /^(?:cookie|authorization|x-qlik-xrfkey)$/i.test(name));
  const { origin } = new URL(tenant.origin);
  return (path) => send({ origin, path: url.replace(known, path), headers: Object.fromEntries(shown) });
}

// attacks P9
describe("the tenant's administration", () => {
  const policy = { presets: Object.keys(presets) };
  /** Preset classic asks for it; it opens nothing. */
  const unsafe = { plainHttpTenant: true, plainHttpPublic: true, foreignScriptOnAppOrigin: true };
  /** Lists that the local tenant has, and lets every user read. */
  const readable = [
    "/api/v1/users",
    "/api/v1/api-keys",
    "/api/v1/identity-providers",
    "/api/v1/web-integrations",
    "/api/v1/csp-origins",
    "/api/v1/oauth-clients",
    "/api/v1/oauth-tokens",
    "/api/v1/spaces",
    "/api/core/auth-settings",
    "/api/core/ip-policies",
  ];
  const others = [
    "/api/v1/users/1",
    "/api/v1/users/actions/invite",
    "/api/v1/users/me/",
    "/api/v1/tenants/1",
    "/api/v1/tenants",
    "/api/v1/roles",
    "/api/v1/groups",
    "/api/v1/audits",
    "/api/v1/quotas",
    "/api/v1/webhooks",
    "/api/v1/automations",
    "/api/v1/encryption",
    "/api/v1/licenses/assignments",
    "/api/v1/licenses/settings",
    "/api/v1/transports/email-config",
    "/api/v1/data-connections",
    "/api/v1/reloads",
    "/api/v1/collections",
  ];

  test("is shut to a user who could use it, in every preset", async () => {
    const stack = await started.stack({ proxy: { policy, unsafe } });
    const sendDirectly = await sendAsProxy(stack);
    for (const path of readable) {
      const direct = await sendDirectly(path);
      const through = await stack.get(path);
      expect([path, direct.status, through.status]).toEqual([path, 200, 404]);
    }
    for (const path of readable) expect(stack.tenant.recordings({ path })).toHaveLength(1);
  });

  test.each(["GET", "POST", "PUT", "PATCH", "DELETE"])("is shut to %s", async (method) => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy, unsafe } });
    for (const path of [...readable, ...others]) {
      const { status } = await stack.get(path, { method, headers: { origin: stack.origin } });
      expect([path, status]).toEqual([path, 404]);
    }
    expect(upstream.seen).toEqual([]);
  });

  test("is shut to upgrades", async () => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy, unsafe } });
    for (const path of [...readable, ...others]) {
      expect([path, (await knockAt(stack, "upgrade", `/qlik${path}`)).status]).toEqual([path, 404]);
    }
    expect(upstream.seen).toEqual([]);
  });
});
