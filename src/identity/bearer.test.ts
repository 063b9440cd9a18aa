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

const evidence = async (of: unknown): Promise<number | undefined> => ((await of) as Identity).evidenceAt;

test("a token vouches from when it was issued; one that does not say never does after a log-out", async () => {
  const { clock, ask } = source();
  const past = await token({ iat: start / 1000 - 60 });
  expect(await evidence(ask(past))).toBe(start - 60_000);
  expect(await evidence(ask(await token({ iat: start / 1000 })))).toBe(start);
  expect(await evidence(ask(await token({})))).toBe(0);
  expect(await evidence(ask(await token({ nbf: start / 1000 - 1 })))).toBe(0);
  clock.at = start + 100_000;
  expect(await evidence(ask(past))).toBe(start - 60_000);
});

test("a token of a provider whose clock is ahead is from before every log-out since it was issued", async () => {
  const [one, other] = [source(), source()];
  const ahead = await token({ iat: start / 1000 + 50 });
  expect(await evidence(one.ask(ahead))).toBe(start - 10_000);
  // A log-out comes at start + 10 s; a node that has never seen the token must not take its own time for the word's.
  other.clock.at = start + 20_000;
  expect(await evidence(other.ask(ahead))).toBe(start - 10_000);
  // Verified again, when it is from the past, it vouches from when it did.
  one.clock.at = start + 100_000;
  expect(await evidence(one.ask(ahead))).toBe(start - 10_000);
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
