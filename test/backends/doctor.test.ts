import { afterEach, describe, expect, test } from "vitest";
import { sampleUsers } from "../../src/emulator.ts";
import { closeWorld, createWorld, visitWorld, type World } from "../doctor/tenant-world.ts";
import { testClient } from "../support/tenant-kind.ts";

/* The doctor looks at a tenant of another kind with the steps that there are, and says which it leaves out. */

let world: World | undefined;
afterEach(async () => {
  if (world) await closeWorld(world);
  world = undefined;
});

const withTenant = ({ config, tenant }: World, ...lines: readonly string[]): string =>
  config.replace(
    /tenant:\n[^]*?identity:/,
    `tenant:\n  origin: ${tenant.origin}\n${lines.map((line) => `  ${line}\n`).join("")}identity:`,
  );
const signingKeys =
  'signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem, certificateFile: public.pem }]';

async function outcomes(questions: Parameters<typeof visitWorld>[1] = {}): Promise<Record<string, string>> {
  if (!world) throw new Error("no world");
  const results = await visitWorld(world, questions);
  const shown = results.filter(({ outcome }) => outcome === "failed" || outcome === "notTried");
  expect(shown).toEqual([]);
  return Object.fromEntries(results.map(({ step, outcome, found }) => [step, `${outcome} ${found}`]));
}

describe("a visit to a tenant that is right", () => {
  test("with an OAuth client", async () => {
    world = await createWorld({ tenant: { kind: "qlik-cloud-oauth", oauthClients: [testClient] } });
    world.folder.write("secret", testClient.clientSecret);
    world.config = withTenant(
      world,
      "kind: qlik-cloud-oauth",
      `clientId: ${testClient.clientId}`,
      "clientSecretFile: secret",
    );
    const steps = await outcomes({ person: { subject: sampleUsers[0]?.subject ?? "" } });
    for (const step of ["key", "claims", "cookies", "csrf", "limits"])
      expect(steps[step]).toBe("skipped left out: a tenant of the kind qlik-cloud-oauth has no such thing");
    for (const step of ["login", "rest", "engine", "sign-out"]) expect(steps[step]).toMatch(/^passed /);
    expect(world.tenant.sessions.list()).toEqual([]);
    expect(JSON.stringify(steps)).not.toContain(testClient.clientSecret);
  });

  test("of Qlik Sense", async () => {
    world = await createWorld({ tenant: { kind: "qlik-sense-jwt" } });
    world.config = withTenant(world, "kind: qlik-sense-jwt", "userDirectory: PORTAL", signingKeys);
    const steps = await outcomes();
    for (const step of ["claims", "cookies", "rest", "groups"])
      expect(steps[step]).toMatch(/^skipped left out/);
    for (const step of ["key", "login", "csrf", "engine", "sign-out"])
      expect(steps[step]).toMatch(/^passed /);
    expect(world.tenant.sessions.list()).toEqual([]);
  });
});

test.each([
  ["qlik-cloud-oauth", "user-refused", "is there such a user"],
  ["qlik-sense-jwt", "token-refused", "compare the certificate"],
] as const)("a refusal at %s names its cause and what to look at", async (kind, cause, words) => {
  world = await createWorld({
    tenant: { kind, oauthClients: [testClient], identityProviders: [] },
  });
  world.folder.write("secret", testClient.clientSecret);
  world.config =
    kind === "qlik-cloud-oauth"
      ? withTenant(world, `kind: ${kind}`, `clientId: ${testClient.clientId}`, "clientSecretFile: secret")
      : withTenant(world, `kind: ${kind}`, "userDirectory: PORTAL", signingKeys);
  const results = await visitWorld(world, { person: { subject: "nobody" } });
  const login = results.find(({ step }) => step === "login");
  expect(login).toMatchObject({ outcome: "failed", cause });
  expect(login?.found).toContain(words);
});
