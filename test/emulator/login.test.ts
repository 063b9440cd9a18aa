import { createRequire } from "node:module";
import { importPKCS8, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import {
  ask,
  cookieHeader,
  createIssuer,
  loginClaims,
  logInWith,
  signIn,
  signToken,
  withCookies,
  type TenantAnswer,
} from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;

beforeAll(async () => {
  tenant = await createTenantEmulator({ identityProviders: [issuer] });
});

beforeEach(() => {
  Object.assign(tenant.modes, { signatureLength: 86, shuffleCookies: true, loadBalancerCookies: true });
});

afterAll(async () => {
  await tenant.close();
});

function logIn(): Promise<TenantAnswer> {
  return logInWith(tenant, signToken(issuer, loginClaims(issuer, tenant.clock.now())));
}

const nameOf = (line: string): string => line.split("=", 1)[0] ?? "";

function cookieValue(answer: TenantAnswer, name: string): string {
  const line = answer.setCookies.find((each) => nameOf(each) === name) ?? "";
  return line.slice(name.length + 1).split(";", 1)[0] ?? "";
}

describe("signers that are not ours", () => {
  test("takes a token that the vendor's SDK signed", async () => {
    const { default: generateSignedToken } = createRequire(import.meta.url)(
      "@qlik/sdk/generateSignedToken",
    ) as {
      default: (claims: object, privateKey: string) => string;
    };
    const token = generateSignedToken(
      {
        sub: "sdk@example.test",
        subType: "user",
        name: "Vendor Sample",
        email: "sdk@example.test",
        groups: ["Sales EMEA"],
        keyid: issuer.keyId,
        issuer: issuer.issuer,
        expiresIn: "60s",
        notBefore: "0s",
      },
      issuer.privateKeyPem,
    );
    const answer = await logInWith(tenant, token);
    expect(answer.status).toBe(200);
    const me = await ask(tenant, {
      path: "/api/v1/users/me",
      headers: { cookie: cookieHeader(answer.setCookies) },
    });
    expect(me.json()).toMatchObject({ subject: "sdk@example.test", name: "Vendor Sample" });
  });

  test("takes a token that jose signed", async () => {
    const token = await new SignJWT(loginClaims(issuer, tenant.clock.now()))
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: issuer.keyId })
      .sign(await importPKCS8(issuer.privateKeyPem, "RS256"));
    expect((await logInWith(tenant, token)).status).toBe(200);
  });
});

describe("request (facts §2.1)", () => {
  test("logs in without body, Origin and web integration id", async () => {
    const answer = await logIn();
    expect(answer.status).toBe(200);
    expect(typeof answer.json()).toBe("object");
  });

  test("does not look at a web integration id that comes without Origin", async () => {
    const token = signToken(issuer, loginClaims(issuer, tenant.clock.now()));
    const answer = await logInWith(tenant, token, { "qlik-web-integration-id": "placeholder" });
    expect(answer.status).toBe(200);
  });

  test("answers other methods with 405", async () => {
    const answer = await ask(tenant, { path: "/login/jwt-session" });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("POST");
  });
});

describe("cookies (facts §2.2)", () => {
  test("sets four session cookies and two of the load balancer, each in a header of its own", async () => {
    const answer = await logIn();
    expect(answer.setCookies.map(nameOf).toSorted()).toEqual([
      "AWSALB",
      "AWSALBCORS",
      "_csrfToken",
      "_csrfToken.sig",
      "eas.sid",
      "eas.sid.sig",
    ]);
    const lines = answer.rawHeaders.filter((name, index) => index % 2 === 0 && /^set-cookie$/i.test(name));
    expect(lines).toHaveLength(6);
  });

  test("gives them the shapes of the captures", async () => {
    const answer = await logIn();
    expect(cookieValue(answer, "eas.sid")).toMatch(/^[\w-]{32}$/);
    expect(cookieValue(answer, "eas.sid.sig")).toMatch(/^[\w-]{86}$/);
    expect(cookieValue(answer, "_csrfToken")).toMatch(/^[^-]{8}-[\w-]{27}$/);
    expect(cookieValue(answer, "_csrfToken.sig")).toMatch(/^[\w-]{86}$/);
    expect(cookieValue(answer, "AWSALB").length).toBeGreaterThanOrEqual(120);
    tenant.modes.signatureLength = 27;
    expect(cookieValue(await logIn(), "eas.sid.sig")).toMatch(/^[\w-]{27}$/);
  });

  test("gives session cookies no age, and load balancer cookies a date with a comma, seven days ahead", async () => {
    const { setCookies } = await logIn();
    for (const line of setCookies.filter((each) => /^(eas|_csrf)/.test(each)))
      expect(line).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=None$/);
    const balancer = setCookies.find((each) => each.startsWith("AWSALB=")) ?? "";
    const date = /Expires=(\w{3}, [^;]+)/.exec(balancer)?.[1] ?? "";
    const days = (Date.parse(date) - tenant.clock.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThanOrEqual(7);
    expect(setCookies.find((each) => each.startsWith("AWSALBCORS="))).toMatch(/SameSite=None; Secure$/);
  });

  test("leaves Secure and SameSite out where the mode says so", async () => {
    tenant.modes.secureCookies = false;
    const { setCookies } = await logIn();
    tenant.modes.secureCookies = true;
    for (const line of setCookies.filter((each) => /^(eas|_csrf)/.test(each)))
      expect(line).toMatch(/^[^;]+; Path=\/; HttpOnly$/);
  });

  test("shuffles their order from login to login", async () => {
    const orders = new Set<string>();
    for (let round = 0; round < 20; round++) orders.add((await logIn()).setCookies.map(nameOf).join());
    expect(orders.size).toBeGreaterThan(1);
  });

  test.each(["/api/v1/users/me", "/nowhere", "/resources/autogenerated/product-info.json"])(
    "issues the load balancer's anew with the answer to %s",
    async (path) => {
      const first = await ask(tenant, { path });
      const second = await ask(tenant, { path });
      for (const answer of [first, second])
        expect(answer.setCookies.map(nameOf)).toEqual(["AWSALB", "AWSALBCORS"]);
      expect(cookieValue(first, "AWSALB")).not.toBe(cookieValue(second, "AWSALB"));
    },
  );

  test("needs eas.sid and its signature, and no other cookie", async () => {
    const answer = await logIn();
    const only = (names: readonly string[]): string =>
      cookieHeader(answer.setCookies.filter((line) => names.includes(nameOf(line))));
    const status = async (cookie: string): Promise<number> =>
      (await ask(tenant, { path: "/api/v1/users/me", headers: { cookie } })).status;
    expect(await status(only(["eas.sid", "eas.sid.sig"]))).toBe(200);
    expect(await status(only(["eas.sid"]))).toBe(401);
    expect(await status(only(["eas.sid.sig", "_csrfToken", "_csrfToken.sig"]))).toBe(401);
  });

  test("does not take a session id whose signature is of another", async () => {
    const [one, two] = [await logIn(), await logIn()];
    const cookie = `eas.sid=${cookieValue(one, "eas.sid")}; eas.sid.sig=${cookieValue(two, "eas.sid.sig")}`;
    expect((await ask(tenant, { path: "/api/v1/users/me", headers: { cookie } })).status).toBe(401);
  });

  test("tells a rotated eas.sid with the next answer and takes the old one for a while", async () => {
    const ada = await signIn(tenant, issuer, { sub: "rotated@example.test" });
    expect(tenant.sessions.rotateCookie("rotated@example.test")).toBe(1);
    const answer = await ada.ask({ path: "/api/v1/users/me" });
    expect(answer.status).toBe(200);
    expect(cookieValue(answer, "eas.sid")).toMatch(/^[\w-]{32}$/);
    const renewed = withCookies(tenant, cookieHeader(answer.setCookies));
    expect((await ada.ask({ path: "/api/v1/users/me" })).status).toBe(200);
    expect((await renewed.ask({ path: "/api/v1/users/me" })).status).toBe(200);
    tenant.clock.advance(tenant.modes.rotationGrace);
    expect((await ada.ask({ path: "/api/v1/users/me" })).status).toBe(401);
    expect((await renewed.ask({ path: "/api/v1/users/me" })).status).toBe(200);
  });
});

describe("side effects of the first login (facts §2.5)", () => {
  interface User {
    readonly id: string;
    readonly tenantId: string;
    readonly name: string;
    readonly assignedGroups: readonly { readonly name: string }[];
  }

  test("creates the user, and knows the subject again when name and groups have changed", async () => {
    const sub = "new@example.test";
    const me = async (changes: object): Promise<User> => {
      const user = await signIn(tenant, issuer, { sub, ...changes });
      return (await user.ask({ path: "/api/v1/users/me" })).json<User>();
    };
    const first = await me({ name: "New", groups: ["A"] });
    const second = await me({ name: "Renamed", groups: ["B", "C"] });
    expect(first.id).toMatch(/^[0-9a-f]{24}$/);
    expect(first.tenantId).toHaveLength(32);
    expect(second).toMatchObject({ id: first.id, name: "Renamed" });
    expect(second.assignedGroups.map(({ name }) => name)).toEqual(["B", "C"]);
    const other = await signIn(tenant, issuer, { sub: "New@example.test" });
    expect((await other.ask({ path: "/api/v1/users/me" })).json<User>().id).not.toBe(first.id);
  });

  test("refuses a licence where none is assigned automatically", async () => {
    const ada = await signIn(tenant, issuer);
    expect((await ada.write({ method: "POST", path: "/api/v1/licenses/allotments" })).status).toBe(200);
    tenant.modes.autoAssignLicense = false;
    const answer = await ada.write({ method: "POST", path: "/api/v1/licenses/allotments" });
    tenant.modes.autoAssignLicense = true;
    expect(answer.status).toBe(403);
    expect(answer.text).toContain("LICENSES-011");
  });
});
