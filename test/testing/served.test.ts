import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createStandaloneServer, loadServerConfig, type StandaloneServer } from "../../src/server.ts";
import {
  createTestIssuer,
  createTestTenant,
  createTestWhoami,
  type TestTenant,
  trustedHeaders,
} from "../../src/testing.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { send } from "../support/raw-client.ts";

const host = "portal.example.com";
const names = {
  from: ["127.0.0.1"],
  subject: "X-User-Sub",
  name: "X-User-Name",
  email: "X-User-Email",
  emailVerified: "X-User-Email-Verified",
  groups: "X-User-Groups",
  sessionId: "X-User-Session",
};
const person = {
  subject: "åsa",
  name: "Åsa Öst",
  email: "asa@example.test",
  emailVerified: true,
  groups: ["Sales, EMEA", "Öst"],
  sessionId: "s1",
};

let tenant: TestTenant;
let folder: ConfigFolder;
const servers: StandaloneServer[] = [];
beforeAll(async () => {
  tenant = await createTestTenant();
  folder = createConfigFolder();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(async () => {
  folder.remove();
  await tenant.close();
});

/** Starts the standalone server with an identity source; JSON is YAML too. */
async function serve(identity: unknown): Promise<StandaloneServer> {
  const file = folder.write(
    "config.yaml",
    JSON.stringify({
      listen: "127.0.0.1:0",
      publicOrigin: `https://${host}`,
      tenant: tenant.proxyOptions.tenant,
      identity,
    }),
  );
  const { config } = loadServerConfig({ file, environment: {} });
  const server = await createStandaloneServer(config);
  servers.push(server);
  return server;
}

const ask = async (server: StandaloneServer, headers: Readonly<Record<string, string>>) => {
  const answer = await send({
    origin: server.url,
    path: "/qlik/api/v1/users/me",
    headers: { host, ...headers },
  });
  return answer.status === 200 ? (answer.json() as { subject: string }).subject : answer.status;
};
const lastLogin = () => tenant.emulator.users.list().at(-1);

describe("signed in at the standalone server", () => {
  test("by trusted headers", async () => {
    const server = await serve({ trustedHeader: names });
    expect(await ask(server, trustedHeaders(person, names))).toBe(person.subject);
    expect(lastLogin()).toMatchObject({ name: person.name, groups: person.groups });
    expect(await ask(server, {})).toBe(401);
    const { subject } = names;
    expect(Object.keys(trustedHeaders("ann", { subject }))).toEqual([subject]);
    const separated = trustedHeaders(person, { subject, groups: "X-Groups", groupsSeparator: ";" });
    expect(separated["X-Groups"]).toBe(Buffer.from("Sales, EMEA;Öst").toString("latin1"));
  });

  test("by a token", async () => {
    const issuer = createTestIssuer();
    const server = await serve({ bearer: { header: "Authorization", ...issuer.configuration } });
    const other = { ...person, subject: "bearer", name: "Token Ö" };
    expect(await ask(server, issuer.signedIn(other))).toBe("bearer");
    expect(lastLogin()).toMatchObject({ name: "Token Ö", groups: person.groups });
    expect(await ask(server, issuer.signedIn(other, { lifetime: -120_000 }))).toBe(401);
    expect(await ask(server, createTestIssuer().signedIn(other))).toBe(401);
  });

  test("by the word of the application", async () => {
    const app = await createTestWhoami();
    const server = await serve({ whoami: { url: app.url, forwardHeaders: ["cookie"] } });
    const other = { ...person, subject: "whoami", name: "Cookie Ö" };
    expect(await ask(server, app.signedIn(other))).toBe("whoami");
    expect(lastLogin()).toMatchObject({ name: "Cookie Ö", groups: person.groups });
    expect(await ask(server, tenant.signedIn(other))).toBe(401);
    await app.close();
  });
});
