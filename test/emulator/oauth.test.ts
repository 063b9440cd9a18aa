import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { send, type RawAnswer } from "../support/raw-client.ts";
import { testSocket } from "../support/stack.ts";
import { testClient } from "../support/tenant-kind.ts";

/* A tenant with OAuth tokens refuses clients that do it wrong. facts §9 */

const alice = "alice@example.test";
let tenant: TenantEmulator;
beforeAll(async () => {
  const oauthClients = [
    testClient,
    { clientId: "other", clientSecret: "another-secret", mayImpersonate: false },
  ];
  tenant = await createTenantEmulator({ plainHttp: true, kind: "qlik-cloud-oauth", oauthClients });
});
afterAll(() => tenant.close());

const right = {
  client_id: testClient.clientId,
  client_secret: testClient.clientSecret,
  grant_type: "urn:qlik:oauth:user-impersonation",
  user_lookup: { field: "subject", value: alice },
  scope: "user_default",
};
const ask = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<RawAnswer> =>
  send({ origin: tenant.origin, path, headers, method });
const post = (path: string, body: object): Promise<RawAnswer> =>
  send({
    origin: tenant.origin,
    path,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const tokenFor = async (more: object = {}): Promise<string> =>
  ((await post("/oauth/token", { ...right, ...more })).json() as { access_token: string }).access_token;

describe("the token endpoint", () => {
  test("gives a token for a user who is there, by subject and by id, for six hours", async () => {
    const answer = await post("/oauth/token", right);
    expect([answer.status, answer.json()]).toMatchObject([200, { token_type: "bearer", expires_in: 21_600 }]);
    const id = tenant.users.list().find(({ subject }) => subject === alice)?.id;
    const token = await tokenFor({ user_lookup: { field: "userId", value: id } });
    const me = await ask("/api/v1/users/me", { authorization: `Bearer ${token}` });
    expect(me.json()).toMatchObject({ subject: alice });
  });

  test.each([
    ["a wrong secret", { client_secret: "wrong" }, 401, "invalid_client"],
    ["an unknown client", { client_id: "nobody" }, 401, "invalid_client"],
    [
      "a client without impersonation",
      { client_id: "other", client_secret: "another-secret" },
      400,
      "unauthorized_client",
    ],
    ["another scope", { scope: "admin_classic" }, 400, "invalid_scope"],
    ["another grant", { grant_type: "client_credentials" }, 400, "unsupported_grant_type"],
    ["a user who never signed in", { user_lookup: { field: "subject", value: "eve" } }, 400, "invalid_grant"],
  ])("refuses %s", async (_what, more, status, error) => {
    const answer = await post("/oauth/token", { ...right, ...more });
    expect([answer.status, answer.json()]).toEqual([status, { error }]);
  });
});

describe("a request", () => {
  test("needs a token, and nothing else that could name somebody", async () => {
    const authorization = `Bearer ${await tokenFor()}`;
    const statusOf = async (headers: Record<string, string>): Promise<number> =>
      (await ask("/api/v1/users/me", headers)).status;
    expect(await statusOf({ authorization })).toBe(200);
    expect(await statusOf({ authorization, cookie: "AWSALB=1" })).toBe(200);
    expect(await statusOf({})).toBe(401);
    expect(await statusOf({ cookie: "eas.sid=1; eas.sid.sig=1" })).toBe(401);
    expect(await statusOf({ authorization, cookie: "eas.sid=1" })).toBe(401);
    expect(await statusOf({ authorization, "qlik-csrf-token": "x" })).toBe(400);
    expect(await statusOf({ authorization: "Bearer made-up" })).toBe(401);
    expect((await ask("/api/v1/csrf-token", { authorization })).status).toBe(400);
  });

  test("is over with its token, which can be revoked", async () => {
    const token = await tokenFor();
    const client = { client_id: right.client_id, client_secret: right.client_secret };
    expect((await post("/oauth/revoke", { ...client, client_secret: "wrong", token })).status).toBe(401);
    expect((await post("/oauth/revoke", { ...client, token })).status).toBe(200);
    expect((await ask("/api/v1/users/me", { authorization: `Bearer ${token}` })).status).toBe(401);
  });
});

test("a socket needs the token as a header, and takes none from the query", async () => {
  const token = await tokenFor();
  const url = `${tenant.origin.replace("http", "ws")}/app/engineData`;
  const authorization = `Bearer ${token}`;
  const socket = testSocket(url, { authorization });
  expect(await socket.message()).toContain("OnConnected");
  socket.ws.close();
  expect((await testSocket(url, {}).refused).status).toBe(401);
  expect((await testSocket(`${url}?accessToken=${token}`, { authorization }).refused).status).toBe(400);
  expect((await testSocket(`${url}?qlik-csrf-token=x`, { authorization }).refused).status).toBe(400);
});
