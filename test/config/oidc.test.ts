import { optionsForOne } from "../../src/options/several-tenants.ts";
import { resolveOptions } from "../../src/options/session-proxy-options.ts";
import { createExplainer } from "../../src/proxy/explain/explain.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, loaded, problemsOf, rightConfig } from "./config-folder.ts";

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
  folder.write("client-secret", "a-client-secret\n");
});
afterAll(() => folder.remove());

const right = "{ issuer: https://idp.example.com, clientId: analytics, clientSecretFile: client-secret }";
const withOidc = (keys: string, more = ""): string =>
  folder.write(
    "config.yaml",
    `${rightConfig.replace(/identity:[^]*$/, `identity:\n  oidc: ${keys}\n`)}${more}`,
  );

describe("identity.oidc", () => {
  test("is right with what the provider gives out, and is asked inside a proxy only", () => {
    const file = withOidc(right);
    expect(problemsOf({ file })).toEqual([]);
    const { options } = loaded({ file }).config;
    expect(options.identify).toHaveProperty("openIn");
    expect(() => options.identify({} as never)).toThrow("publicOrigin");
    expect(JSON.stringify(loaded({ file }).config)).not.toContain("a-client-secret");
  });

  test("has own routes that can be explained without a provider", () => {
    const { options } = loaded({ file: withOidc(right) }).config;
    const explain = createExplainer(resolveOptions(optionsForOne(options)));
    const back = explain({
      method: "GET",
      upgrade: false,
      target: "/qlik/_session/callback?code=a&state=b",
      headers: [],
    });
    expect(back.taker).toEqual({ kind: "own", route: "sign-in" });
    expect(back.row).toBe(1);
    const order = {
      method: "POST",
      upgrade: false,
      target: "/qlik/_session/backchannel-logout",
      headers: [],
    };
    expect(explain(order).row).toBe(1);
  });

  test("takes the secret from a variable", () => {
    const file = withOidc("{ issuer: https://idp.example.com, clientId: analytics }");
    expect(problemsOf({ file })).toEqual(["identity.oidc.clientSecretFile: is missing (or clientSecret)"]);
    expect(problemsOf({ file, environment: { QSP_IDENTITY_OIDC_CLIENT_SECRET: "s" } })).toEqual([]);
  });

  test.each([
    [
      "issuer: http://idp.example.com",
      "identity.oidc.issuer: must begin with https://; for local work, unsafe.plainHttpPublic allows http on this machine",
    ],
    [
      "issuer: idp.example.com",
      "identity.oidc.issuer: must be the provider's issuer, such as https://idp.example.com",
    ],
    [
      "issuer: https://u:p@idp.example.com",
      "identity.oidc.issuer: must not hold a query, a fragment or a password",
    ],
    [
      "issuer: https://idp.example.com/.well-known/openid-configuration",
      'identity.oidc.issuer: ends before "/.well-known/", as the metadata say it in "issuer"',
    ],
    [
      "scopes: [profile]",
      "identity.oidc.scopes: must hold openid: without it the provider does not say who the user is",
    ],
    ['scopes: [openid, "two words"]', "identity.oidc.scopes[1]: is not the name of a scope"],
    [
      "afterLogout: /start",
      "identity.oidc.afterLogout: must be an address such as https://portal.example.com/",
    ],
  ])("with %s is refused", (key, problem) => {
    const [name = ""] = key.split(":");
    const kept = right.replace(new RegExp(`${name}: [^,]+, `), "");
    expect(problemsOf({ file: withOidc(kept.replace("{ ", `{ ${key}, `)) })).toContain(problem);
  });

  test("takes a plain issuer for local work on this machine only", () => {
    const local = right.replace("https://idp.example.com", "http://127.0.0.1:4000");
    const unsafe = "unsafe: { plainHttpPublic: true }\n";
    expect(problemsOf({ file: withOidc(local, unsafe) })).toEqual([]);
    expect(problemsOf({ file: withOidc(local, unsafe), environment: { NODE_ENV: "production" } })).toEqual([
      "unsafe.plainHttpPublic: is refused because NODE_ENV is production",
    ]);
    const remote = right.replace("https://", "http://");
    expect(problemsOf({ file: withOidc(remote, unsafe) })).toHaveLength(1);
  });
});
