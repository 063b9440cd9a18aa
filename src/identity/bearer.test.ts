import { generateKeyPairSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type JWTPayload, SignJWT } from "jose";
import { expect, test } from "vitest";
import { createBearerIdentify } from "./bearer.ts";
import { openIdClaims } from "./claim-mapping.ts";
import type { Identity } from "./identity.ts";
import { createFixedKeySet } from "./key-set.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const start = 1_800_000_000_000;

function source(): {
  readonly clock: { now: () => number; at: number };
  readonly ask: (token: string) => unknown;
} {
  const clock = { at: start, now: (): number => clock.at, setTimer: () => () => {} };
  const identify = createBearerIdentify({
    place: { header: "authorization" },
    keys: createFixedKeySet({ key: publicKey, algorithms: ["ES256"] }),
    issuer: "https://idp.example.com",
    audience: "analytics",
    claims: openIdClaims,
    clock,
  });
  const ask = (token: string): unknown =>
    identify({ rawHeaders: ["Authorization", `Bearer ${token}`] } as unknown as IncomingMessage);
  return { clock, ask };
}

const token = (claims: JWTPayload): Promise<string> =>
  new SignJWT({
    iss: "https://idp.example.com",
    aud: "analytics",
    sub: "ann",
    exp: start / 1000 + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: "ES256" })
    .sign(privateKey);

test("a token vouches from when it was issued, and not later than when it was first seen", async () => {
  const { clock, ask } = source();
  const evidence = async (of: string): Promise<number | undefined> =>
    ((await ask(of)) as Identity).evidenceAt;
  const past = await token({ iat: start / 1000 - 60 });
  expect(await evidence(past)).toBe(start - 60_000);
  const early = await token({ iat: start / 1000 + 50 });
  expect(await evidence(early)).toBe(start);
  clock.at = start + 100_000;
  expect(await evidence(early)).toBe(start);
  expect(await evidence(await token({}))).toBe(0);
});

test("a token that is known is answered without waiting, for as long as it says", async () => {
  const { clock, ask } = source();
  const known = await token({ iat: start / 1000 });
  const first = await ask(known);
  expect(first).toEqual({ subject: "ann", expiresAt: start + 600_000, evidenceAt: start });
  expect(ask(known)).toBe(first);
  clock.at = start + 599_999;
  expect(ask(known)).toBe(first);
  // Past its end it is verified again; the clocks' tolerance is for the session to refuse.
  clock.at = start + 661_000;
  await expect(ask(known)).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
});
