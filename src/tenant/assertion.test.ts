import { describe, expect, test } from "vitest";
import { signingKeyDigest } from "./assertion.ts";

describe("signingKeyDigest", () => {
  test("differs with issuer and key id, and shows neither", () => {
    const digests = [
      signingKeyDigest({ issuer: "portal", keyId: "1" }),
      signingKeyDigest({ issuer: "portal", keyId: "2" }),
      signingKeyDigest({ issuer: "other", keyId: "1" }),
    ];
    expect(new Set(digests).size).toBe(3);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{32}$/);
  });
});
