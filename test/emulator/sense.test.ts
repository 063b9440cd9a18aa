import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { send, type RawAnswer } from "../support/raw-client.ts";
import { testSocket } from "../support/stack.ts";

/* Qlik Sense behind a virtual proxy refuses clients that do it wrong. facts §10 */

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = "abcdefghij123456";
let tenant: TenantEmulator;
beforeAll(async () => {
  const pem = String(pair.publicKey.export({ type: "spki", format: "pem" }));
  tenant = await createTenantEmulator({
    plainHttp: true,
    kind: "qlik-sense-jwt",
    identityProviders: [{ issuer: "any", keyId: "any", pem }],
    virtualProxy: { prefix: "portal", sessionCookie: "X-Qlik-Session-portal" },
  });
});
afterAll(() => tenant.close());

function tokenOf(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "ES256" })}.${part({ exp: Date.now() / 1000 + 60, ...claims })}`;
  const signature = sign("sha256", Buffer.from(signed), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}
const bearer = (userId: string): string => `Bearer ${tokenOf({ userId, userDirectory: "D" })}`;
const ask = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<RawAnswer> =>
  send({ origin: tenant.origin, path, headers, method });
const csrfPath = `/portal/qps/csrftoken?xrfkey=${key}`;
const withKey = { "x-qlik-xrfkey": key };

async function bootstrap(userId: string): Promise<{ readonly cookie: string; readonly token: string }> {
  const answer = await ask(csrfPath, { ...withKey, authorization: bearer(userId) });
  expect(answer.status).toBe(204);
  const [cookie = ""] = (answer.header("set-cookie") ?? "").split(";");
  expect(cookie).toMatch(/^X-Qlik-Session-portal=/);
  return { cookie, token: answer.header("qlik-csrf-token") ?? "" };
}

describe("a session", () => {
  test("is made by every request with a token and without the cookie, five for a user", async () => {
    const { cookie } = await bootstrap("ann");
    for (let more = 0; more < 3; more += 1)
      await ask(csrfPath, { ...withKey, cookie, authorization: bearer("ann") });
    expect(tenant.sessions.list()).toHaveLength(1);
    for (let more = 0; more < 4; more += 1) await bootstrap("ann");
    expect(tenant.sessions.list()).toHaveLength(5);
    expect((await ask(csrfPath, { ...withKey, authorization: bearer("ann") })).status).toBe(403);
    await bootstrap("bob");
    expect((await ask(`/portal/qps/user?xrfkey=${key}`, { ...withKey, cookie }, "DELETE")).status).toBe(200);
    await bootstrap("ann");
    tenant.sessions.kill();
  });

  test("is not made for a token that says too little, or by another's key", async () => {
    for (const claims of [
      { userId: "ann" },
      { userDirectory: "D" },
      { userId: "a", userDirectory: "D", exp: 1 },
    ]) {
      const answer = await ask(csrfPath, { ...withKey, authorization: `Bearer ${tokenOf(claims)}` });
      expect(answer.status).toBe(401);
    }
    const forged = `${bearer("ann").slice(0, -8)}AAAAAAAA`;
    expect((await ask(csrfPath, { ...withKey, authorization: forged })).status).toBe(401);
  });
});

describe("a request", () => {
  test("is below the prefix, and says its key twice", async () => {
    const { cookie } = await bootstrap("cid");
    const statusOf = async (path: string, headers: Record<string, string>): Promise<number> =>
      (await ask(path, { cookie, ...headers })).status;
    const path = "/portal/api/v1/users/me";
    expect(await statusOf(`${path}?xrfkey=${key}`, withKey)).toBe(200);
    expect(await statusOf(path, withKey)).toBe(400);
    expect(await statusOf(`${path}?xrfkey=${key}`, {})).toBe(400);
    expect(await statusOf(`${path}?xrfkey=${key.replace("a", "b")}`, withKey)).toBe(400);
    expect(await statusOf(`${path}?xrfkey=short`, { "x-qlik-xrfkey": "short" })).toBe(400);
    expect(await statusOf(`/api/v1/users/me?xrfkey=${key}`, withKey)).toBe(404);
    expect((await ask(`${path}?xrfkey=${key}`, withKey)).status).toBe(401);
    expect((await ask(csrfPath, withKey)).status).toBe(302);
  });
});

test("an upgrade wants cookie, token in the query and a listed origin, and no bearer", async () => {
  const { cookie, token } = await bootstrap("dan");
  const url = `${tenant.origin.replace("http", "ws")}/portal/app/engineData`;
  const right = { cookie, origin: tenant.origin };
  const good = testSocket(`${url}?qlik-csrf-token=${token}`, right);
  await good.message();
  good.ws.send(JSON.stringify({ jsonrpc: "2.0", id: 1, handle: -1, method: "EngineVersion", params: [] }));
  expect(await good.message((text) => text.includes("OnAuthenticationInformation"))).toContain(
    '"userId":"dan"',
  );
  good.ws.close();
  const refused = async (query: string, headers: Record<string, string>): Promise<number> =>
    (await testSocket(`${url}${query}`, headers).refused).status;
  const query = `?qlik-csrf-token=${token}`;
  expect(await refused("", { ...right, "qlik-csrf-token": token })).toBe(403);
  expect(await refused(query, { cookie })).toBe(403);
  expect(await refused(query, { cookie, origin: "https://evil.example" })).toBe(403);
  expect(await refused(query, { origin: tenant.origin })).toBe(403);
  expect(await refused(query, { ...right, authorization: bearer("dan") })).toBe(403);
});
