import { describe, expect, test } from "vitest";
import { isLoginRedirect, rewriteLink, rewriteLocation, spellingsOf } from "./location.ts";

const tenantOrigin = "https://acme.eu.qlikcloud.com";
const map = { tenantOrigin, publicBase: "https://portal.example.com/qlik", prefix: "/qlik" };

describe("spellingsOf", () => {
  test("knows the default port and the schemes of the tenant", () => {
    expect(spellingsOf("https://a.b")).toEqual([
      "https://a.b",
      "https://a.b:443",
      "wss://a.b",
      "wss://a.b:443",
    ]);
    expect(spellingsOf("http://[::1]")).toEqual([
      "http://[::1]",
      "http://[::1]:80",
      "ws://[::1]",
      "ws://[::1]:80",
    ]);
    expect(spellingsOf("http://[::1]:80")).toEqual(["http://[::1]:80", "ws://[::1]:80"]);
    expect(spellingsOf("https://a.b:8443")).toEqual(["https://a.b:8443", "wss://a.b:8443"]);
  });
});

describe("rewriteLocation", () => {
  test.each([
    ["https://acme.eu.qlikcloud.com/a?b#c", "https://portal.example.com/qlik/a?b#c"],
    ["https://acme.eu.qlikcloud.com:443/a", "https://portal.example.com/qlik/a"],
    ["https://acme.eu.qlikcloud.com", "https://portal.example.com/qlik"],
    ["https://acme.eu.qlikcloud.com?x", "https://portal.example.com/qlik?x"],
    ["wss://acme.eu.qlikcloud.com/app/1", "https://portal.example.com/qlik/app/1"],
    ["//acme.eu.qlikcloud.com/a", "https://portal.example.com/qlik/a"],
    ["//acme.eu.qlikcloud.com:443/a", "https://portal.example.com/qlik/a"],
    ["/api/v1/temp-contents/1", "/qlik/api/v1/temp-contents/1"],
    ["/", "/qlik/"],
    ["relative", "relative"],
    ["?query", "?query"],
    ["", ""],
    ["https://evil.example/", "https://evil.example/"],
    ["//evil.example/", "//evil.example/"],
    ["https://acme.eu.qlikcloud.com.evil.example/", "https://acme.eu.qlikcloud.com.evil.example/"],
    ["https://acme.eu.qlikcloud.com@evil.example/", "https://acme.eu.qlikcloud.com@evil.example/"],
    ["https://acme.eu.qlikcloud.com:4430/", "https://acme.eu.qlikcloud.com:4430/"],
    ["https://acme.eu.qlikcloud.com:80/", "https://acme.eu.qlikcloud.com:80/"],
    [
      "https://evil.example/?u=https://acme.eu.qlikcloud.com/",
      "https://evil.example/?u=https://acme.eu.qlikcloud.com/",
    ],
    ["data:text/html,x", "data:text/html,x"],
  ])("%s becomes %s", (value, expected) => {
    expect(rewriteLocation(value, map)).toBe(expected);
  });

  test("leaves a root-relative path alone under the root mount", () => {
    const root = { tenantOrigin, publicBase: "https://portal.example.com", prefix: "" };
    expect(rewriteLocation("/a", root)).toBe("/a");
    expect(rewriteLocation(`${tenantOrigin}/a`, root)).toBe("https://portal.example.com/a");
  });

  test("knows a plain tenant with a port", () => {
    const plain = { ...map, tenantOrigin: "http://127.0.0.1:4711" };
    expect(rewriteLocation("ws://127.0.0.1:4711/app", plain)).toBe("https://portal.example.com/qlik/app");
    expect(rewriteLocation("http://127.0.0.1:47110/app", plain)).toBe("http://127.0.0.1:47110/app");
  });
});

describe("isLoginRedirect", () => {
  test.each([
    "/login",
    "/login?returnto=%2Fsingle",
    `${tenantOrigin}/login?x`,
    `${tenantOrigin}:443/login`,
    "//acme.eu.qlikcloud.com/login#x",
    "https://login.qlik.com/authorize?client_id=x",
    "https://idp.example/oauth2/v2.0/authorize?x",
    "https://idp.example/realms/a/protocol/openid-connect/auth?x",
    "//idp.example/authorize",
  ])("%s is one", (value) => {
    expect(isLoginRedirect(value, tenantOrigin)).toBe(true);
  });

  test.each([
    "/",
    "/login/jwt-session",
    "/logins",
    "/a?next=/login",
    "login",
    `${tenantOrigin}/authorize`,
    `${tenantOrigin}/a#/login`,
    "https://cdn.example/file?x=/authorize",
    "https://cdn.example/login",
    "https://cdn.example",
    "https://authorize",
    "",
  ])("%s is none", (value) => {
    expect(isLoginRedirect(value, tenantOrigin)).toBe(false);
  });
});

describe("rewriteLink", () => {
  test.each([
    [
      `<${tenantOrigin}/api/v1/items?page=2>; rel="next", </api/v1/items>; rel=prev`,
      `<https://portal.example.com/qlik/api/v1/items?page=2>; rel="next", </qlik/api/v1/items>; rel=prev`,
    ],
    ["<https://cdn.example/a.css>; rel=preload", "<https://cdn.example/a.css>; rel=preload"],
    [
      `</a>; title="<${tenantOrigin}/x> \\" </y>", </z>`,
      `</qlik/a>; title="<${tenantOrigin}/x> \\" </y>", </qlik/z>`,
    ],
    ["</a", "</a"],
    ["", ""],
    [`</a>; title="open </b>`, `</qlik/a>; title="open </b>`],
  ])("%s becomes %s", (value, expected) => {
    expect(rewriteLink(value, map)).toBe(expected);
  });
});
