/*
 * An answer is contained by its type, so that a document of the tenant cannot run as the app. The type that counted was the
 * one that the tenant sent, also where its `Connection` header named `Content-Type` and the browser was told none. A document
 * then reached the browser without a type and without the sandbox that an answer without a type gets. What is left out is
 * left out first now, and the rest is judged as the browser will see it.
 */
import { expect, test } from "vitest";
import { prepareResponse } from "../../src/proxy/http/rewrite-response.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

const page = "<script>alert(1)</script>";

test.each(["content-type", "CONTENT-TYPE , x"])(
  "an answer whose type is taken away by %j is one without a type",
  async (listed) => {
    const { stack } = await started.raw((_request, socket) => {
      const head = `Content-Type: application/json\r\nConnection: ${listed}\r\nContent-Length: ${page.length}`;
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${page}`);
    });
    const answer = await stack.get("/api/v1/items");
    expect([answer.status, answer.header("content-type"), answer.text]).toEqual([200, undefined, page]);
    expect(answer.header("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
  },
);

test("a header that node cannot write is not written in a policy or a disposition of ours either", () => {
  const rules = {
    routeClass: "rest",
    method: "GET",
    path: "/api/v1/temp-contents/a",
    isRange: false,
    tenantOrigin: "https://acme.eu.qlikcloud.com",
    publicBase: "https://portal.example.com/qlik",
    prefix: "/qlik",
    corsOrigin: undefined,
    resourcePolicy: "same-origin",
    frameAncestors: [],
    trustsPages: false,
    tagSuffix: null,
    hasOwnTag: false,
    serverTiming: "qsp;dur=0",
  } as const;
  const raw = ["Content-Type", "text/html", "Content-Disposition", "inline; filename=a\0b"];
  const { headers } = prepareResponse({ status: 200, headers: raw }, rules);
  expect(headers[headers.indexOf("content-disposition") + 1]).toBe("attachment");
});
