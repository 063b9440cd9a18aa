import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantEmulator, sampleUsers, type TenantEmulator } from "../../src/emulator.ts";
import { expectTenantError } from "../support/assertions.ts";
import { ask, cookieHeader, withCookies, type TenantAnswer } from "../support/tenant-client.ts";

const PORTAL = "https://portal.example.test";
const ID = "0123456789abcdef0123456789abcdef";
let tenant: TenantEmulator;

beforeAll(async () => {
  tenant = await createTenantEmulator({ webIntegrations: [{ id: ID, validOrigins: [PORTAL] }] });
});

afterAll(async () => {
  await tenant.close();
});

function login(query: Readonly<Record<string, string>>, cookie?: string): Promise<TenantAnswer> {
  return ask(tenant, {
    path: `/login?${new URLSearchParams(query).toString()}`,
    headers: cookie === undefined ? {} : { cookie },
  });
}

function submit(form: Readonly<Record<string, string>>, origin = tenant.origin): Promise<TenantAnswer> {
  return ask(tenant, {
    method: "POST",
    path: "/login/interactive",
    headers: { origin, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  });
}

describe("GET /login (facts §2.4, §1.4)", () => {
  test("leads to a page that lists the sample users and leads back", async () => {
    const first = await login({ returnto: `${tenant.origin}/single/?appid=x` });
    expect(first.status).toBe(302);
    const page = await ask(tenant, { path: String(first.headers.location).slice(tenant.origin.length) });
    expect(page.status).toBe(200);
    expect(page.headers["content-type"]).toContain("text/html");
    for (const { name, subject } of sampleUsers) {
      expect(page.text).toContain(name);
      expect(page.text).toContain(`value="${subject}"`);
    }
    expect(page.text).toContain(`value="${tenant.origin}/single/?appid=x"`);
  });

  test("a form makes a session like any other, with the user-agent id of interactive paths", async () => {
    const answer = await submit({ subject: "alice@example.test", returnto: "/single/?appid=x" });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe(`${tenant.origin}/single/?appid=x`);
    expect(answer.setCookies.find((line) => line.startsWith("eas.uaid="))).toMatch(
      /^eas\.uaid=[\w-]{32}\.[\w-]{86};/,
    );
    const alice = withCookies(tenant, cookieHeader(answer.setCookies));
    expect((await alice.ask({ path: "/api/v1/users/me" })).json()).toMatchObject({ name: "Alice Johansson" });
  });

  test("the form takes nobody but the sample users, and not from another site", async () => {
    expect((await submit({ subject: "eve@example.test" })).status).toBe(401);
    expectTenantError(
      await submit({ subject: "alice@example.test" }, "https://evil.example.test"),
      403,
      "HTTP-403",
    );
  });

  test("goes straight back for someone with a session, unless asked to sign in again", async () => {
    const cookie = cookieHeader(tenant.sessions.startInteractive("bruno@example.test"));
    const back = await login({ returnto: "/hub" }, cookie);
    expect(back.headers.location).toBe(`${tenant.origin}/hub`);
    const again = await login({ returnto: "/hub", prompt: "login" }, cookie);
    expect(again.headers.location).toContain("/login/interactive?");
    expectTenantError(await login({ returnto: "/hub", prompt: "none" }), 401, "HTTP-401");
  });

  test.each(["//evil.test", "/\\evil.test", "https:evil", "javascript:alert(1)", "data:text/html,x", "evil"])(
    "answers LOGIN-8 to the returnto %j",
    async (returnto) => {
      expectTenantError(await login({ returnto }), 401, "LOGIN-8");
      expectTenantError(await submit({ subject: "alice@example.test", returnto }), 401, "LOGIN-8");
    },
  );

  test("answers LOGIN-8 to a returnto with user info", async () => {
    expectTenantError(await login({ returnto: `https://a:b@${tenant.hostname}/` }), 401, "LOGIN-8");
  });

  test("answers LOGIN-10 to another origin, unless the web integration lists it", async () => {
    const returnto = `${PORTAL}/page`;
    expectTenantError(await login({ returnto }), 401, "LOGIN-10");
    expectTenantError(await login({ returnto, "qlik-web-integration-id": "wrong" }), 401, "LOGIN-10");
    const listed = await login({ returnto, "qlik-web-integration-id": ID });
    expect(listed.status).toBe(302);
    const answer = await submit({ subject: "alice@example.test", returnto, "qlik-web-integration-id": ID });
    expect(answer.headers.location).toBe(returnto);
  });
});

describe("pages without a session (facts §13)", () => {
  test.each(["/single/?appid=x&obj=y", "/sense/app/x/sheet/y/state/analysis", "/hub"])(
    "%s leads to the login and back",
    async (path) => {
      const answer = await ask(tenant, { path });
      expect(answer.status).toBe(302);
      expect(answer.headers.location).toBe(
        `${tenant.origin}/login?returnto=${encodeURIComponent(`${tenant.origin}${path}`)}`,
      );
    },
  );

  test("REST is answered 401 with a body, never a redirect", async () => {
    for (const path of ["/api/v1/users/me", "/api/v1/items", "/api/v1/no-such-thing"])
      expect(expectTenantError(await ask(tenant, { path }), 401, "HTTP-401").title).toBe("Unauthorized");
  });
});
