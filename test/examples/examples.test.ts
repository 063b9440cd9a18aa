import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExampleWorld, startExampleWorld } from "./example-world.ts";
import { visitAsAlice, visitAsStranger, visitWithChromium } from "./visits.ts";

/* Every example as its reader runs it: installed by its own lock file, started by `npm start`. */

const names = ["plain-http", "express", "fastify", "hono", "koa", "nestjs"] as const;

/** An install comes over the network. Milliseconds. */
const patience = 180_000;

let world: ExampleWorld;
const origins = new Map<string, string>();
const originOf = (name: string): string => origins.get(name) ?? "";

beforeAll(async () => {
  world = await startExampleWorld(names);
  // Each installs while others are tested; a failure shows where the example is waited for.
  for (const name of names) world.clone.install(name).catch(() => {});
});
afterAll(() => world?.close(), patience);

describe.each(names)("the example %s", (name) => {
  beforeAll(async () => {
    await world.clone.install(name);
    origins.set(name, await world.clone.start(name, world.variables));
  }, patience);

  test("lets nobody in unasked", () => visitAsStranger(originOf(name)));

  test("is signed in at Qlik as whoever is signed in here, with requests and sockets, until the sign-out", () =>
    visitAsAlice(originOf(name)));
});

test("the example plain-http reads no form of any size, and marks its cookie where browsers come over HTTPS", async () => {
  const send = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${originOf("plain-http")}/sign-in`, { method: "POST", redirect: "manual", body, headers });
  expect((await send(`person=${"a".repeat(5000)}`)).status).toBe(413);
  const cookieOf = async (headers?: Record<string, string>): Promise<string | null> =>
    (await send("person=alice", headers)).headers.get("set-cookie");
  expect(await cookieOf()).not.toContain("Secure");
  expect(await cookieOf({ "x-forwarded-proto": "https" })).toMatch(/; Secure$/);
});

// Once: a browser takes as long as all the rest, and the page is the same in each.
test(
  "a browser draws the chart of the example express",
  () => visitWithChromium(originOf("express")),
  patience,
);
