import { expect, test } from "vitest";
import { createRemoteKeySet } from "../../src/identity/key-set.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { cleanedUp } from "../support/started.ts";
import { makeIssuerKey, startTokenIssuer } from "../support/token-issuer.ts";

const started = cleanedUp();
const minute = 60_000;
const noToken = { payload: "", signature: "" };

test("keys are read again in the background, and are used for a day after they were last read", async () => {
  const provider = started.keep(await startTokenIssuer());
  const clock = createManualClock();
  const keys = createRemoteKeySet({
    name: "identity.bearer.jwksUrl",
    url: new URL(provider.jwksUrl),
    clock,
    cooldown: 10,
  });
  const find = (kid: string) => keys.find({ alg: "ES256", kid }, noToken);
  const { version } = await find("k1");
  expect([version, keys.version(), provider.questions]).toEqual([1, 1, 1]);

  // Nothing asks for a key that is not known, and still it is noticed that one was withdrawn.
  provider.keys = [makeIssuerKey("k2")];
  clock.advance(10 * minute);
  expect(keys.version()).toBe(1);
  clock.advance(1);
  await find("k1");
  await expect.poll(() => keys.version()).toBe(2);
  expect(provider.questions).toBe(2);
  await expect(find("k1")).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  expect((await find("k2")).version).toBe(2);

  // The same keys are the same version: what was verified stays so.
  clock.advance(11 * minute);
  const questions = provider.questions;
  expect((await find("k2")).version).toBe(2);
  await expect.poll(() => provider.questions).toBe(questions + 1);
  await find("k2");

  await provider.close();
  clock.advance(23 * 60 * minute);
  expect((await find("k2")).version).toBe(2);
  clock.advance(60 * minute);
  expect(keys.version()).toBe(-1);
  await expect(find("k2")).rejects.toMatchObject({ code: "QSP-IDENTITY", status: 503 });
});

test("keys that nobody asked for in a day are read again, and are the same as before", async () => {
  const provider = started.keep(await startTokenIssuer());
  const clock = createManualClock();
  const keys = createRemoteKeySet({
    name: "identity.bearer.jwksUrl",
    url: new URL(provider.jwksUrl),
    clock,
    cooldown: 10,
  });
  const find = () => keys.find({ alg: "ES256", kid: "k1" }, noToken);
  const before = await find();
  clock.advance(25 * 60 * minute);
  expect(keys.version()).toBe(-1);
  const after = await find();
  expect(after.key).toEqual(before.key);
  expect(keys.version()).toBe(after.version);
  await find();
  expect(provider.questions).toBe(2);
});
