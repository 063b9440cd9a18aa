import { createHmac, createPrivateKey } from "node:crypto";
import { generate } from "selfsigned";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { expectTenantError } from "../support/assertions.ts";
import {
  createIssuer,
  loginClaims,
  logInWith,
  signToken,
  type Claims,
  type TenantAnswer,
} from "../support/tenant-client.ts";

const issuer = createIssuer();
const other = createIssuer({ rsa: 2048 }, "someone-else");
let tenant: TenantEmulator;

beforeAll(async () => {
  tenant = await createTenantEmulator({ identityProviders: [issuer, { ...other, clockToleranceSec: 5 }] });
});

const defaults = { badTokenStatus: 401, requireSubType: true, requireEmail: true, requireJti: true } as const;

beforeEach(() => {
  Object.assign(tenant.modes, defaults, { enforceCertificateDates: false });
});

afterAll(async () => {
  await tenant.close();
});

function logIn(changes: Claims = {}, header: Claims = {}): Promise<TenantAnswer> {
  return logInWith(tenant, signToken(issuer, loginClaims(issuer, tenant.clock.now(), changes), header));
}

function expectRefusal(answer: TenantAnswer, reason: string): void {
  expect(expectTenantError(answer, 401, "INTERNAL-TOKEN-1")).toEqual({
    code: "INTERNAL-TOKEN-1",
    title: "Invalid token request",
    detail: `JWT_LOGIN_VALIDATIONS ${reason}`,
    status: "400",
  });
  expect(answer.setCookies.join()).not.toContain("eas.sid");
}

describe("keys and algorithms (facts §1.2)", () => {
  test.each(["RS256", "RS384", "RS512"])("takes %s", async (alg) => {
    expect((await logIn({}, { alg })).status).toBe(200);
  });

  test.each([
    ["ES256", "P-256"],
    ["ES384", "P-384"],
  ] as const)("takes %s with a key on %s", async (alg, curve) => {
    const elliptic = createIssuer({ curve }, `elliptic-${curve}`);
    tenant.addIdentityProvider(elliptic);
    const claims = loginClaims(elliptic, tenant.clock.now());
    expect((await logInWith(tenant, signToken(elliptic, claims, { alg }))).status).toBe(200);
  });

  test("refuses ES256 with a key on another curve", async () => {
    const elliptic = createIssuer({ curve: "P-384" }, "wrong-curve");
    tenant.addIdentityProvider(elliptic);
    const token = signToken(elliptic, loginClaims(elliptic, tenant.clock.now()), { alg: "ES256" });
    expectRefusal(await logInWith(tenant, token), "invalid algorithm");
  });

  test("refuses a token without signature", async () => {
    const [header, claims] = signToken(issuer, loginClaims(issuer, tenant.clock.now()), {
      alg: "none",
    }).split(".");
    expectRefusal(await logInWith(tenant, `${header}.${claims}.`), "invalid algorithm");
  });

  test("refuses HS256 signed with the public key as the secret", async () => {
    const token = signToken(issuer, loginClaims(issuer, tenant.clock.now()), { alg: "HS256" });
    const input = token.slice(0, token.lastIndexOf("."));
    const signature = createHmac("sha256", issuer.pem).update(input).digest("base64url");
    expectRefusal(await logInWith(tenant, `${input}.${signature}`), "invalid algorithm");
  });

  test("refuses an RSA key of less than 2048 bits", async () => {
    const weak = createIssuer({ rsa: 1024 }, "weak");
    tenant.addIdentityProvider(weak);
    expectRefusal(
      await logInWith(tenant, signToken(weak, loginClaims(weak, tenant.clock.now()))),
      "key too small",
    );
  });

  test("takes a certificate as the public part, whatever its dates, unless told to look", async () => {
    const old = await generate([{ name: "commonName", value: "portal" }], {
      algorithm: "sha256",
      notBeforeDate: new Date("2019-01-01"),
      notAfterDate: new Date("2020-01-01"),
    });
    const certified = createIssuer({ rsa: 2048 }, "certified");
    const provider = { ...certified, pem: old.cert };
    const signer = { ...provider, privateKey: createPrivateKey(old.private) };
    tenant.addIdentityProvider(provider);
    const attempt = (): Promise<TenantAnswer> =>
      logInWith(tenant, signToken(signer, loginClaims(signer, tenant.clock.now())));
    expect((await attempt()).status).toBe(200);
    tenant.modes.enforceCertificateDates = true;
    expectRefusal(await attempt(), "certificate is not within its validity dates");
  });

  test("answers a PEM that lost its newlines as a token that cannot be decoded", async () => {
    const mangled = createIssuer({ rsa: 2048 }, "mangled");
    tenant.addIdentityProvider({ ...mangled, pem: mangled.pem.replaceAll("\n", " ") });
    const token = signToken(mangled, loginClaims(mangled, tenant.clock.now()));
    expectRefusal(await logInWith(tenant, token), "unable to decode jwt");
  });
});

describe("header (facts §1.3)", () => {
  test("refuses a token without kid", async () => {
    expectRefusal(await logIn({}, { kid: undefined }), "Missing required header: kid");
  });

  test("refuses a kid that is not the identity provider's", async () => {
    expectRefusal(await logIn({}, { kid: "another" }), "no identity provider for this issuer and key id");
  });

  test("refuses the kid of another issuer's key", async () => {
    expectRefusal(await logIn({}, { kid: other.keyId }), "no identity provider for this issuer and key id");
  });
});

describe("signature (facts §1.3)", () => {
  test("refuses a token signed by another key", async () => {
    const forged = { ...issuer, privateKey: other.privateKey };
    expectRefusal(
      await logInWith(tenant, signToken(forged, loginClaims(issuer, tenant.clock.now()))),
      "invalid signature",
    );
  });

  test("refuses claims that were changed after signing", async () => {
    const claims = loginClaims(issuer, tenant.clock.now());
    const [header, , signature] = signToken(issuer, claims).split(".");
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: "eve@example.test" })).toString("base64url");
    expectRefusal(await logInWith(tenant, `${header}.${changed}.${signature}`), "invalid signature");
  });

  test.each(["", "abc", "a.b.c", "bm90.anNvbg.sig"])("refuses %j, which is no token", async (token) => {
    expectRefusal(await logInWith(tenant, token), "unable to decode jwt");
  });
});

describe("claims (facts §1.3)", () => {
  test.each(["iss", "aud", "sub", "subType", "name", "email", "email_verified", "jti", "iat", "nbf", "exp"])(
    "refuses a token without %s",
    async (name) => {
      expectRefusal(await logIn({ [name]: undefined }), `Missing required claim: ${name}`);
    },
  );

  test.each(["subType", "email", "email_verified", "jti"])("takes one without %s in mode B", async (name) => {
    Object.assign(tenant.modes, { requireSubType: false, requireEmail: false, requireJti: false });
    expect((await logIn({ [name]: undefined })).status).toBe(200);
  });

  test("refuses an iss that no identity provider has", async () => {
    expectRefusal(await logIn({ iss: "unknown" }), "no identity provider for this issuer and key id");
  });

  test.each(["qlik.api", "qlik.api/login/jwt-session/", ["qlik.api/login/jwt-session", "more"]])(
    "refuses the aud %j",
    async (aud) => {
      expectRefusal(await logIn({ aud }), "Invalid claim: aud");
    },
  );

  test("refuses a subType other than user", async () => {
    expectRefusal(await logIn({ subType: "service" }), "Invalid claim: subType");
  });

  test("takes a jti that is a number", async () => {
    expect((await logIn({ jti: 4711 })).status).toBe(200);
  });

  test("takes a token without groups and refuses groups that are no list of names", async () => {
    expect((await logIn({ groups: undefined })).status).toBe(200);
    expectRefusal(await logIn({ groups: "Sales" }), "Invalid claim: groups");
    expectRefusal(await logIn({ groups: [1] }), "Invalid claim: groups");
  });

  test("takes a jti once, and the same jti of another issuer", async () => {
    const jti = "only-once";
    expect((await logIn({ jti })).status).toBe(200);
    expectRefusal(await logIn({ jti }), "jti already used");
    const token = signToken(other, loginClaims(other, tenant.clock.now(), { jti }));
    expect((await logInWith(tenant, token)).status).toBe(200);
  });

  test("does not use up the jti of a token it refuses", async () => {
    const jti = "refused-first";
    expectRefusal(await logIn({ jti, name: undefined }), "Missing required claim: name");
    expect((await logIn({ jti })).status).toBe(200);
  });
});

describe("times (facts §1.3)", () => {
  const seconds = (): number => Math.floor(tenant.clock.now() / 1000);

  test("takes 3600 seconds from nbf to exp and refuses one more", async () => {
    const nbf = seconds() - 10;
    expect((await logIn({ nbf, exp: nbf + 3600 })).status).toBe(200);
    expectRefusal(await logIn({ nbf, exp: nbf + 3601 }), "exp is more than 3600 seconds after nbf");
  });

  test("refuses a token before its nbf and after its exp", async () => {
    expectRefusal(await logIn({ nbf: seconds() + 60, exp: seconds() + 120 }), "jwt not active");
    expectRefusal(await logIn({ nbf: seconds() - 120, exp: seconds() - 60 }), "jwt expired");
  });

  test("forgives as many seconds as the identity provider tolerates", async () => {
    const attempt = (changes: Claims): Promise<TenantAnswer> =>
      logInWith(tenant, signToken(other, loginClaims(other, tenant.clock.now(), changes)));
    expect((await attempt({ nbf: seconds() + 4, exp: seconds() + 60 })).status).toBe(200);
    expect((await attempt({ nbf: seconds() - 60, exp: seconds() - 3 })).status).toBe(200);
    expectRefusal(await attempt({ nbf: seconds() + 30, exp: seconds() + 60 }), "jwt not active");
    expectRefusal(await attempt({ nbf: seconds() - 60, exp: seconds() - 30 }), "jwt expired");
  });

  test("judges by its own clock", async () => {
    const claims = loginClaims(issuer, tenant.clock.now());
    tenant.clock.advance(600_000);
    try {
      expectRefusal(await logInWith(tenant, signToken(issuer, claims)), "jwt expired");
    } finally {
      tenant.clock.advance(-600_000);
    }
  });
});

describe("failures (facts §1.4)", () => {
  test("answers 400 instead of 401 in mode B, with the same body", async () => {
    tenant.modes.badTokenStatus = 400;
    const answer = await logIn({ nbf: undefined });
    expect(expectTenantError(answer, 400, "INTERNAL-TOKEN-1").detail).toBe(
      "JWT_LOGIN_VALIDATIONS Missing required claim: nbf",
    );
  });

  test("answers LOGIN-2 for another host name", async () => {
    const token = signToken(issuer, loginClaims(issuer, tenant.clock.now()));
    const answer = await logInWith(tenant, token, { host: "other.example.test" });
    expect(expectTenantError(answer, 401, "LOGIN-2").title).toBe(
      "No authentication configured for this hostname",
    );
  });

  test("answers LOGIN-2 without any identity provider", async () => {
    await using bare = await createTenantEmulator({ plainHttp: true });
    const token = signToken(issuer, loginClaims(issuer, bare.clock.now()));
    expectTenantError(await logInWith(bare, token), 401, "LOGIN-2");
  });

  test("answers AUTH-5 to a user it has disabled", async () => {
    tenant.users.setStatus("gone@example.test", "disabled");
    expectTenantError(await logIn({ sub: "gone@example.test" }), 403, "AUTH-5");
    tenant.users.setStatus("gone@example.test", "active");
    expect((await logIn({ sub: "gone@example.test" })).status).toBe(200);
  });
});
