/*
 * A preflight for a path or a method that the policy does not offer was answered with its 404. A browser takes that for a
 * refusal of the whole origin: the page of a listed origin saw a network error in place of the 404 and its code, which the
 * vendor's clients would have known what to do with. What is not offered is said by the request that follows.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const sibling = "http://app.portal.localhost:4000";
const fromSibling = { origin: sibling, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" };
const fromElsewhere = { ...fromSibling, origin: "https://evil.example", "sec-fetch-site": "cross-site" };
const asking = {
  "access-control-request-method": "DELETE",
  "access-control-request-headers": "content-type,qlik-api-version,user-agent,x-qsp-client",
};

test.each([
  ["a prefix", "/qlik"],
  ["the root", "/"],
])("at %s, a listed origin is told by the request itself that there is nothing", async (_name, prefix) => {
  const stack = await started.stack({ proxy: { prefix, allowedOrigins: [sibling] } });
  for (const path of ["/api/v1/items", "/api/v1/spaces", "/nothing", "/_session"]) {
    const preflight = await stack.get(path, {
      method: "OPTIONS",
      headers: { ...fromSibling, ...asking },
      user: null,
    });
    expect([path, preflight.status, preflight.header("access-control-allow-origin")]).toEqual([
      path,
      204,
      sibling,
    ]);
    expect(preflight.header("access-control-allow-headers")?.split(", ")).toEqual(
      expect.arrayContaining(asking["access-control-request-headers"].split(",")),
    );
    const foreign = await stack.get(path, { method: "OPTIONS", headers: { ...fromElsewhere, ...asking } });
    expect([foreign.status, foreign.header("access-control-allow-origin")]).toEqual([
      expect.toBeOneOf([403, 404]),
      undefined,
    ]);
  }
  expect(stack.tenant.recordings()).toEqual([]);
  const answer = await stack.get("/api/v1/spaces", { method: "DELETE", headers: fromSibling });
  expect([answer.status, answer.header("access-control-allow-origin")]).toEqual([404, sibling]);
  expect(answer.json()).toMatchObject({ errors: [{ code: "QSP-POLICY" }] });
});
