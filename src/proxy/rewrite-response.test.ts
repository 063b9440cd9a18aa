import { expect, test } from "vitest";
import { prepareResponse } from "./rewrite-response.ts";

test("the headers of an answer are what the tenant may say, then what we say, and nothing after that", () => {
  const { headers } = prepareResponse(
    { status: 200, headers: ["Content-Type", "image/png", "Set-Cookie", "a=b", "Server-Timing", "x;dur=1"] },
    {
      routeClass: "static",
      method: "GET",
      path: "/resources/a.png",
      isRange: false,
      tenantOrigin: "https://acme.eu.qlikcloud.com",
      publicBase: "https://portal.example.com/qlik",
      prefix: "/qlik",
      corsOrigin: undefined,
      resourcePolicy: "same-origin",
      frameAncestors: ["'self'"],
      trustsPages: false,
      tagSuffix: null,
      hasOwnTag: false,
      serverTiming: "qlik;dur=1, qsp;dur=0",
    },
  );
  const names = headers.filter((_each, index) => index % 2 === 0);
  expect(names[0]).toBe("Content-Type");
  expect(names).not.toContain("Set-Cookie");
  expect(headers.slice(-2)).toEqual(["server-timing", "qlik;dur=1, qsp;dur=0"]);
  expect(() => (headers as string[]).push("set-cookie", "a=b")).toThrow(TypeError);
});
