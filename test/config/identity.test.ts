import { generateKeyPairSync } from "node:crypto";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createConfigFolder,
  type ConfigFolder,
  loaded,
  privateKeyPem,
  problemsOf,
  rightConfig,
} from "./config-folder.ts";

let folder: ConfigFolder;

const trustedHeader = "trustedHeader: { from: [127.0.0.1/32], subject: X-User-Sub, email: X-User-Email }";

const spki = (key: { export(options: { type: "spki"; format: "pem" }): string | Buffer }): string =>
  key.export({ type: "spki", format: "pem" }).toString();

beforeAll(async () => {
  folder = createConfigFolder();
  const pair = await generate([{ name: "commonName", value: "idp" }], { algorithm: "sha256", keyType: "ec" });
  folder.write("rsa.pub", spki(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey));
  folder.write("short.pub", spki(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey));
  folder.write("ed.pub", spki(generateKeyPairSync("ed25519").publicKey));
  folder.write("curve.pub", spki(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey));
  folder.write("cert.pem", pair.cert);
  folder.write("nonsense.pub", "-----BEGIN PUBLIC KEY-----\nQUJD\n-----END PUBLIC KEY-----\n");
  folder.write("secret.txt", "a shared secret that HS256 would like");
});
afterAll(() => folder.remove());

const withSource = (source: string): { readonly file: string } => ({
  file: folder.write("config.yaml", rightConfig.replace(trustedHeader, source)),
});

const who = "issuer: https://idp.example.com, audience: analytics";

describe("the source bearer", () => {
  test.each(["rsa.pub", "ed.pub", "cert.pem"])("takes the public key in %s", (name) => {
    expect(problemsOf(withSource(`bearer: { publicKeyFile: ${name}, ${who} }`))).toEqual([]);
  });

  test("reads the Authorization header by default, which then never travels on", () => {
    const { config } = loaded(withSource(`bearer: { jwksUrl: https://idp.example.com/jwks, ${who} }`));
    expect(config.options.identityHeaders).toEqual(["authorization"]);
  });

  test.each([
    [`publicKeyFile: nowhere.pub, ${who}`, "publicKeyFile: names a file that does not exist"],
    [`publicKeyFile: key.pem, ${who}`, "publicKeyFile: is a private key: give the public one"],
    [`publicKeyFile: short.pub, ${who}`, "publicKeyFile: must have 2048 bits or more, not 1024"],
    [`publicKeyFile: curve.pub, ${who}`, "publicKeyFile: must be on the curve P-256, P-384 or P-521"],
    [`publicKeyFile: nonsense.pub, ${who}`, "publicKeyFile: cannot be read as a public key"],
    [`publicKeyFile: secret.txt, ${who}`, "publicKeyFile: is not a public key in PEM"],
    [`publicKey: hello, ${who}`, "publicKey: is not a public key in PEM"],
    [`publicKey: hello, publicKeyFile: rsa.pub, ${who}`, "publicKey: is given more than once"],
    [who, "jwksUrl: is missing (or publicKeyFile)"],
    [`jwksUrl: https://idp.example.com/jwks, publicKeyFile: rsa.pub, ${who}`, "jwksUrl: is given beside"],
    [`jwksUrl: http://idp.example.com/jwks, ${who}`, "jwksUrl: must be https"],
    [`jwksUrl: idp.example.com/jwks, ${who}`, "jwksUrl: must be an address such as https://"],
    [`jwksUrl: "https://user:pass@idp.example.com/", ${who}`, "jwksUrl: must be an address such as https://"],
    ["publicKeyFile: rsa.pub, audience: analytics", "issuer: is missing"],
    ["publicKeyFile: rsa.pub, issuer: https://idp.example.com", "audience: is missing"],
    [`publicKeyFile: rsa.pub, header: X-Token, cookie: token, ${who}`, "cookie: is given beside header"],
    [`publicKeyFile: rsa.pub, header: Cookie, ${who}`, "header: is the header of all cookies"],
    [`publicKeyFile: rsa.pub, header: X_Token, ${who}`, "header: is not a header name"],
    [`publicKeyFile: rsa.pub, cookie: "a b", ${who}`, "cookie: is not the name of a cookie"],
    [
      `publicKeyFile: rsa.pub, claims: { subjekt: x }, ${who}`,
      "claims.subjekt: is not a known key; did you mean",
    ],
    [`publicKeyFile: rsa.pub, algorithms: [HS256], ${who}`, "algorithms: is not a known key"],
  ])("with %s has one problem: %s", (keys, problem) => {
    const found = problemsOf(withSource(`bearer: { ${keys} }`));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`identity.bearer.${problem}`);
    expect(found[0]).not.toContain(privateKeyPem.slice(40, 80));
  });

  test("tells everything at once", () => {
    const found = problemsOf(withSource("bearer: { jwksUrl: ftp://x, header: Host, jwksCooldown: 1 }"));
    expect(found.map((line) => line.slice(0, line.indexOf(": "))).sort()).toEqual([
      "identity.bearer.audience",
      "identity.bearer.header",
      "identity.bearer.issuer",
      "identity.bearer.jwksCooldown",
      "identity.bearer.jwksUrl",
    ]);
  });

  test("tells of both where there are two kinds of keys, and what is wrong with each", () => {
    const found = problemsOf(
      withSource(`bearer: { jwksUrl: "http://idp.example.com/jwks", publicKeyFile: key.pem, ${who} }`),
    );
    expect(found.map((line) => line.slice(0, line.indexOf(": "))).sort()).toEqual([
      "identity.bearer.jwksUrl",
      "identity.bearer.publicKeyFile",
    ]);
  });

  test("reads keys over http from this machine, and from elsewhere only where that is called unsafe", () => {
    const local = `bearer: { jwksUrl: "http://127.0.0.1:8080/jwks", ${who} }`;
    expect(problemsOf(withSource(local))).toEqual([]);
    const remote = `bearer: { jwksUrl: "http://idp:8080/jwks", ${who} }\nunsafe: { plainHttpPublic: true }`;
    expect(problemsOf(withSource(remote))).toEqual([]);
  });

  test("may come from variables alone", () => {
    const file = folder.write("none.yaml", rightConfig.replace(/identity:[^]*$/, ""));
    const environment = {
      QSP_IDENTITY_BEARER_COOKIE: "token",
      QSP_IDENTITY_BEARER_PUBLIC_KEY_FILE: `${folder.path}/rsa.pub`,
      QSP_IDENTITY_BEARER_ISSUER: "https://idp.example.com",
      QSP_IDENTITY_BEARER_AUDIENCE: "analytics",
      QSP_IDENTITY_BEARER_CLAIMS_SUBJECT: "oid",
    };
    expect(problemsOf({ file, environment })).toEqual([]);
  });
});

describe("the source whoami", () => {
  test.each([
    ["forwardHeaders: [cookie]", "url: is missing"],
    ["url: /me", "url: must be an address such as http://127.0.0.1:3000/me"],
    ['url: "http://127.0.0.1/me", forwardHeaders: []', "forwardHeaders: must name what tells one user"],
    [
      'url: "http://127.0.0.1/me", forwardHeaders: [cookie, Host]',
      "forwardHeaders[1]: is a header with a meaning",
    ],
    [
      'url: "http://127.0.0.1/me", forwardHeaders: [authorization], forwardCookies: [sid]',
      "forwardCookies: names cookies",
    ],
    ['url: "http://127.0.0.1/me", cacheFor: 1h', "cacheFor: must be from 0s to 5m, not 1h"],
    ['url: "http://127.0.0.1/me", timeout: 10', "timeout: is a bare number"],
  ])("with %s has one problem: %s", (keys, problem) => {
    const found = problemsOf(withSource(`whoami: { ${keys} }`));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`identity.whoami.${problem}`);
  });

  test("over http to another machine is a warning", () => {
    const local = loaded(withSource('whoami: { url: "http://127.0.0.1:3000/me" }'));
    expect(local.warnings).toEqual([]);
    const remote = loaded(withSource('whoami: { url: "http://app:3000/me" }'));
    expect(remote.warnings.map(({ path }) => path)).toEqual(["identity.whoami.url"]);
  });
});

test("two sources are one too many, wherever they come from", () => {
  const file = folder.write("config.yaml", rightConfig);
  const environment = { QSP_IDENTITY_WHOAMI_URL: "http://127.0.0.1:3000/me" };
  expect(problemsOf({ file, environment })).toEqual([
    "identity: must name exactly one source, such as trustedHeader, not trustedHeader and whoami",
  ]);
});
