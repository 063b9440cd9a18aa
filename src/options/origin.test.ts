import { describe, expect, test } from "vitest";
import { originProblem, parseFrameAncestor, parsePrefix, tenantOriginProblem } from "./origin.ts";

const strict = { plainHttp: false, plainHttpKey: "unsafe.plainHttpPublic" };

describe("originProblem", () => {
  test.each(["https://portal.example.com", "https://portal.example.com:8443", "https://[::1]:8443"])(
    "takes %s",
    (origin) => {
      expect(originProblem(origin, strict)).toBeNull();
    },
  );

  test.each([
    ["https://portal.example.com/", '"https://portal.example.com"'],
    ["https://portal.example.com/app", "without a path"],
    ["https://Portal.Example.com", '"https://portal.example.com"'],
    ["https://portal.example.com:443", '"https://portal.example.com"'],
    ["https://user@portal.example.com", "user name"],
    ["https://*.example.com", "wildcard"],
    ["*", "wildcard"],
    ["null", "not an origin"],
    ["portal.example.com", "not an origin"],
    ["ftp://portal.example.com", "not an origin"],
    ["https://portal.example.com.", "ends in a dot"],
    ["http://portal.example.com", "unsafe.plainHttpPublic"],
  ])("refuses %s and says why", (origin, reason) => {
    expect(originProblem(origin, strict)).toContain(reason);
  });

  test("takes http where an unsafe key says so", () => {
    expect(originProblem("http://portal.localhost:3000", { ...strict, plainHttp: true })).toBeNull();
  });
});

describe("tenantOriginProblem", () => {
  test.each([
    "https://acme.eu.qlikcloud.com",
    "https://acme.qlikcloudgov.com",
    "https://analytics.example.com",
    "https://acme.tenant.localhost:4443",
    "https://127.0.0.1:4443",
    "https://[::1]:4443",
  ])("takes %s", (origin) => {
    expect(tenantOriginProblem(origin, false)).toBeNull();
  });

  test.each([
    ["https://10.1.2.3", "host name"],
    ["https://[2001:db8::1]", "host name"],
    ["https://169.254.169.254", "host name"],
    ["https://user:pw@acme.eu.qlikcloud.com", "user name"],
    ["https://acme.eu.qlikcloud.com/sense", "without a path"],
    ["https://0x7f000001", '"https://127.0.0.1"'],
    ["http://acme.eu.qlikcloud.com", "unsafe.plainHttpTenant"],
  ])("refuses %s and says why", (origin, reason) => {
    expect(tenantOriginProblem(origin, false)).toContain(reason);
  });

  test("takes an address over http for local work", () => {
    expect(tenantOriginProblem("http://10.1.2.3:8080", true)).toBeNull();
  });
});

describe("parsePrefix", () => {
  test.each([
    ["/", ""],
    ["/qlik", "/qlik"],
    ["/apps/qlik-1", "/apps/qlik-1"],
  ])("reads %s", (text, prefix) => {
    expect(parsePrefix(text)).toEqual({ prefix });
  });

  test.each([
    "qlik",
    "/qlik/",
    "//",
    "//qlik",
    "/a//b",
    "/..",
    "/a/../b",
    "/a/./b",
    "/a%2fb",
    "/a b",
    "/a?b",
    "/ü",
  ])("refuses %s", (text) => {
    expect(parsePrefix(text)).toHaveProperty("problem");
  });
});

describe("parseFrameAncestor", () => {
  test.each([
    ["self", "'self'"],
    ["none", "'none'"],
    ["https://portal.example.com", "https://portal.example.com"],
    ["https://*.example.com", "https://*.example.com"],
  ])("writes %s as %s", (text, source) => {
    expect(parseFrameAncestor(text)).toBe(source);
  });

  test.each([
    "*",
    "https:",
    "data:",
    "https://a.example; script-src *",
    "https://a.example https://b.example",
    "'unsafe-inline'",
  ])("refuses %s", (text) => {
    expect(parseFrameAncestor(text)).toBeNull();
  });
});
