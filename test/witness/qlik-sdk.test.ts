import { afterEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { groupLines, orderLines, sumOf } from "../support/order-lines.ts";
import { testIdentity } from "../support/stack.ts";
import { cookieHeader, createIssuer } from "../support/tenant-client.ts";
import { nameAtTenant, tenantKind } from "../support/tenant-kind.ts";
import {
  createSdk,
  generateSignedToken,
  type Sdk,
  type SdkConfig,
  type SignedTokenOptions,
} from "../support/vendor-qlik-sdk.ts";
import { startVendorStack, strangers, type VendorStack } from "../support/vendor-stack.ts";

/*
 * The vendor's older SDK in two places: straight at the local tenant, whose login has to take what the vendor signs,
 * and through the proxy, where the application knows its users by a bearer token of its own.
 *
 * Left out, because the SDK cannot do it in Node: engine sockets with type JWTAuth, which has no cookie jar and sends
 * no header on an upgrade; engine sockets with type None, which throws "not implemented"; a prefix, because the SDK
 * drops the path of its host, so the proxy is mounted at the root here. OAuth2 and WebIntegration need no proxy, or a
 * browser.
 */

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const issuer = createIssuer();

function tokenOptions(changes: Partial<SignedTokenOptions> = {}): SignedTokenOptions {
  return {
    sub: "ada@example.test",
    subType: "user",
    name: "Ada Lindqvist",
    email: "ada@example.test",
    email_verified: true,
    groups: ["Sales EMEA"],
    expiresIn: "60s",
    notBefore: "0s",
    keyid: issuer.keyId,
    issuer: issuer.issuer,
    ...changes,
  };
}

describe("straight at the local tenant", () => {
  async function start(): Promise<TenantEmulator> {
    // An address, because not every system resolves names below localhost.
    const tenant = await createTenantEmulator({
      hostname: "127.0.0.1",
      plainHttp: true,
      identityProviders: [issuer],
    });
    open.push(tenant);
    return tenant;
  }

  /** What the SDK makes of every answer to a login but 200. */
  const refused = { name: "AuthenticationError", message: "Unauthenticated access" };

  const client = (
    tenant: TenantEmulator,
    options: Partial<SignedTokenOptions> = {},
    config: Partial<SdkConfig> = {},
  ): Sdk =>
    createSdk({
      host: tenant.origin,
      authType: "JWTAuth",
      webIntegrationId: "any",
      fetchToken: async () => generateSignedToken(tokenOptions(options), issuer.privateKeyPem),
      ...config,
    });

  test("the token that the vendor's helper signs is taken, and its cookies are a session", async () => {
    const tenant = await start();
    const sdk = client(tenant);
    const login = await sdk.auth.getSessionCookie();
    expect(login.status).toBe(200);
    const setCookies = login.headers.getSetCookie();
    expect(setCookies.map((line) => line.split("=", 1)[0])).toEqual(
      expect.arrayContaining(["_csrfToken", "_csrfToken.sig", "eas.sid", "eas.sid.sig"]),
    );
    const headers = { Cookie: cookieHeader(setCookies) };
    const me = (await (await sdk.rest("/users/me", { headers })).json()) as Record<string, unknown>;
    expect(me).toMatchObject({
      subject: "ada@example.test",
      name: "Ada Lindqvist",
      email: "ada@example.test",
    });
    expect(me["assignedGroups"]).toEqual([{ name: "Sales EMEA", providerType: "idp" }]);
    await expect(sdk.rest("/users/me")).rejects.toMatchObject({ status: 401 });
  });

  test("a write needs the session's CSRF token, which the client has to be given", async () => {
    const tenant = await start();
    const sdk = client(tenant);
    const headers = { Cookie: cookieHeader((await sdk.auth.getSessionCookie()).headers.getSetCookie()) };
    const answer = await sdk.rest("/csrf-token", { headers });
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    const csrfToken = answer.headers.get("qlik-csrf-token") ?? "";
    const body = JSON.stringify({ type: "sense-image-1.0" });
    const withToken = client(tenant, {}, { csrfToken });
    expect((await withToken.rest("/reports", { method: "POST", headers, body })).status).toBe(202);
    const wrong = client(tenant, {}, { csrfToken: "wrong" });
    await expect(wrong.rest("/reports", { method: "POST", headers, body })).rejects.toMatchObject({
      status: 403,
      code: "CSRF-TOKEN-2",
    });
  });

  test.each<[string, Partial<SignedTokenOptions>]>([
    ["an issuer nobody registered", { issuer: "somebody-else" }],
    ["a key nobody registered", { keyid: "another" }],
    ["a life of more than an hour", { expiresIn: "2h" }],
    ["a start that has not come", { notBefore: "60s", expiresIn: "120s" }],
  ])("a token with %s is refused", async (_what, changes) => {
    const tenant = await start();
    await expect(client(tenant, changes).auth.getSessionCookie()).rejects.toMatchObject(refused);
    expect(tenant.recordings().map(({ status }) => status)).toEqual([401]);
    expect(tenant.sessions.list()).toEqual([]);
  });

  test("a token is taken once", async () => {
    const tenant = await start();
    const sdk = client(tenant, { jti: "always-the-same" });
    expect((await sdk.auth.getSessionCookie()).status).toBe(200);
    await expect(sdk.auth.getSessionCookie()).rejects.toMatchObject(refused);
  });
});

describe("through the proxy", () => {
  /** The application's own tokens: the SDK sends one as the API key that it was given. */
  const tokens: ReadonlyMap<string, string> = new Map([
    ["Bearer portal-token-of-ann", "ann"],
    ["Bearer portal-token-of-bob", "bob"],
  ]);

  async function start(): Promise<VendorStack> {
    const world = await startVendorStack({
      users: ({ headers }) => testIdentity(tokens.get(headers.authorization ?? "")),
      proxy: {
        prefix: "/",
        identityHeaders: ["authorization"],
        // A client outside browsers has no Origin.
        allowMissingOrigin: true,
      },
    });
    open.push(world);
    return world;
  }

  const client = (world: VendorStack, apiKey: string): Sdk =>
    createSdk({ host: world.host, authType: "APIKey", apiKey });

  test("each token's user is told who they are; a token of nobody's is refused", async () => {
    const world = await start();
    const names = await Promise.all(
      ["ann", "bob"].map(
        async (name) => (await client(world, `portal-token-of-${name}`).users.getMe()).subject,
      ),
    );
    expect(names).toEqual(["ann", "bob"].map(nameAtTenant));
    expect(await client(world, "forged").auth.isAuthenticated()).toBe(false);
    const seen = world.tenant.recordings({ path: "/api/**" });
    expect(seen).toHaveLength(2);
    const strange = tenantKind === "qlik-cloud-oauth" ? /portal-token/i : /authorization|portal-token/i;
    for (const { headers } of seen) expect(JSON.stringify(headers)).not.toMatch(strange);
  });

  test("pages are followed through the proxy", async () => {
    const world = await start();
    const names: string[] = [];
    const items = await client(world, "portal-token-of-ann").items.getItems({ limit: 1 });
    for await (const { name } of items.pagination) names.push(name);
    expect(names).toEqual(["Sales performance", "Service desk", "Energy use"]);
    expect(strangers(world.tenant.recordings())).toEqual([]);
  });

  test("writes carry the token of the tenant's that the client never had", async () => {
    const world = await start();
    const body = JSON.stringify({ type: "sense-image-1.0" });
    const answer = await client(world, "portal-token-of-ann").rest("/reports", { method: "POST", body });
    const { requestId, outputsUrl } = (await answer.json()) as Record<string, string>;
    expect([answer.status, outputsUrl]).toEqual([202, `${world.host}/api/v1/reports/${requestId}/outputs`]);
  });

  test("an app is opened and counted, in its engine", async () => {
    const world = await start();
    const app = await client(world, "portal-token-of-ann").apps.get(APP_ID.sales);
    expect(app.attributes.name).toBe("Sales performance");
    await app.open();
    const cube = await app.createSessionObject({
      qInfo: { qType: "cube" },
      qHyperCubeDef: {
        qDimensions: [{ qDef: { qFieldDefs: ["Channel"] } }],
        qMeasures: [{ qDef: { qDef: "Sum(Amount)" } }],
        qInitialDataFetch: [{ qWidth: 2, qHeight: 100 }],
      },
    });
    const { qHyperCube } = await cube.getLayout();
    const rows = qHyperCube.qDataPages[0]?.qMatrix ?? [];
    const channels = groupLines(orderLines(), ["Channel"]);
    expect(rows).toHaveLength(channels.size);
    for (const [channel, sum] of rows)
      expect(sum?.qNum).toBeCloseTo(sumOf(channels.get(channel?.qText ?? "") ?? [], "Amount"), 4);
    await app.close();
    await world.idle();
  });
});
