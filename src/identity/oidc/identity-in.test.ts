import { expect, test } from "vitest";
import { openIdClaims } from "../claim-mapping.ts";
import { identityIn } from "./identity-in.ts";

test("is who the claims say, without the provider's session", () => {
  const claims = {
    sub: "u-1",
    name: "Ann",
    email: "ann@acme.test",
    email_verified: true,
    groups: ["a"],
    sid: "s",
  };
  expect(identityIn(claims, openIdClaims)).toEqual({
    subject: "u-1",
    name: "Ann",
    email: "ann@acme.test",
    emailVerified: true,
    groups: ["a"],
  });
});

test.each<[string, Readonly<Record<string, unknown>>, string]>([
  ["no subject", { name: "Ann" }, "is missing"],
  ["a subject with a line break", { sub: "a\r\nb" }, "control characters"],
  ["a subject that ends with a space", { sub: "ann " }, "white space"],
  ["groups that are no list", { sub: "ann", groups: { a: 1 } }, "not an array"],
  ["groups that are kept elsewhere", { sub: "ann", _claim_names: { groups: "src1" } }, "kept elsewhere"],
])("%s make nobody", (_, claims, reason) => {
  expect(() => identityIn(claims, openIdClaims)).toThrow(reason);
});
