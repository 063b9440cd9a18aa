import { afterAll, beforeAll, test } from "vitest";
import { type ExampleWorld, startExampleWorld } from "./example-world.ts";
import { visitAsAlice, visitAsStranger, visitWithChromium } from "./visits.ts";

/* The example for Next.js, in a file of its own: it is built before it starts, and takes as long as all others together. */

/** An install of a hundred megabytes and a build. Milliseconds. */
const patience = 480_000;

let world: ExampleWorld;
let origin: string;
beforeAll(async () => {
  world = await startExampleWorld(["next"]);
  await world.clone.install("next");
  origin = await world.clone.start("next", world.variables);
}, patience);
afterAll(() => world?.close(), patience);

test("the example next lets nobody in unasked", () => visitAsStranger(origin));

// After a request: it is then that Next begins to listen for upgrades.
test("is signed in at Qlik as whoever is signed in here, with requests and sockets, until the sign-out", () =>
  visitAsAlice(origin));

test("a browser draws its chart", () => visitWithChromium(origin), patience);
