import { expect, test } from "vitest";
import { sameClaims, toClaims } from "./claims.ts";

test("every claim that the tenant documents as required is there, the name from the subject if need be", () => {
  expect(toClaims({ subject: "ann", email: "ann@example.test" })).toEqual({
    sub: "ann",
    subType: "user",
    name: "ann",
    email: "ann@example.test",
    email_verified: true,
  });
});

test("an e-mail is verified as the host says, and never where nobody gave one", () => {
  expect(toClaims({ subject: "ann", email: "a@b.test", emailVerified: false }).email_verified).toBe(false);
  expect(toClaims({ subject: "ann" })).toMatchObject({ email_verified: false });
  expect(toClaims({ subject: "ann@example.test" })).toMatchObject({
    email: "ann@example.test",
    email_verified: false,
  });
});

test.each(["ann", "@", "a@", "@b", "a@b@c", "a b@c"])(
  "no address is made out of the subject %s",
  (subject) => {
    expect(toClaims({ subject }).email).toBeUndefined();
  },
);

test("groups are sorted and named once; no word about groups is not an empty list", () => {
  expect(toClaims({ subject: "ann", groups: ["b", "a", "b"] }).groups).toEqual(["a", "b"]);
  expect(toClaims({ subject: "ann" })).not.toHaveProperty("groups");
  expect(toClaims({ subject: "ann", groups: [] }).groups).toEqual([]);
});

test("claims are compared by what they say, not by the order in which it is said", () => {
  const one = toClaims({ subject: "ann", groups: ["a", "b"] });
  expect(sameClaims(one, toClaims({ subject: "ann", groups: ["b", "a"] }))).toBe(true);
  expect(sameClaims(one, toClaims({ subject: "ann", groups: ["a"] }))).toBe(false);
  expect(sameClaims(one, toClaims({ subject: "ann", groups: ["a", "b"], name: "Ann" }))).toBe(false);
});
