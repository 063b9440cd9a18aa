import type { Doc } from "@qlik/api/qix";
import { afterAll, beforeAll, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { createRandom, type Random } from "../../src/emulator/engine/random.ts";
import { type OrderLine, orderLines, sumOf, textOf } from "../support/order-lines.ts";
import { nameAtTenant } from "../support/tenant-kind.ts";
import { openEnigma } from "../support/vendor-enigma.ts";
import { alice, bruno, startVendorStack, type VendorStack } from "../support/vendor-stack.ts";

/*
 * Two users of one app through one proxy, whose rights differ: whatever either asks for, in whatever order, not one
 * byte of what they get holds a value that only the other may see.
 */

/** The fields whose values tell where a row is from. */
const PLACES = ["Region", "Country", "City", "Customer", "Sales rep"];
const FIELDS = [...PLACES, "Category", "Product", "Channel", "Quarter", "Month", "Year"];
const MEASURES = ["Sum(Amount)", "Count(distinct Customer)", "Avg(Quantity)", "Max(Discount)", "Count(City)"];
const CALLS = 100;

let world: VendorStack;
let lines: readonly OrderLine[];

beforeAll(async () => {
  world = await startVendorStack();
  lines = orderLines();
});
afterAll(() => world.close());

/** Every place that occurs in rows. */
function placesOf(rows: readonly OrderLine[]): ReadonlySet<string> {
  return new Set(rows.flatMap((row) => PLACES.map((field) => textOf(row, field)).filter(Boolean)));
}

interface Person {
  readonly user: string;
  readonly doc: Doc;
  readonly random: Random;
  /** The rows this person may see. */
  readonly rows: readonly OrderLine[];
  /** Everything that came over the person's socket. */
  readonly received: string[];
  close(): Promise<void>;
}

async function arrive(user: string, region: string, seed: number): Promise<Person> {
  const { session, doc, sockets } = await openEnigma({
    host: world.host,
    path: APP_ID.sales,
    headers: world.headersOf(user),
  });
  const received: string[] = [];
  sockets[0]?.on("message", (data: Buffer) => received.push(data.toString("utf8")));
  return {
    user,
    doc,
    received,
    random: createRandom(seed),
    rows: lines.filter((line) => textOf(line, "Region") === region),
    close: () => session.close(),
  };
}

type Call = (person: Person) => Promise<unknown>;

const calls: readonly Call[] = [
  async ({ doc, random }) => {
    const cube = await doc.createSessionObject({
      qInfo: { qType: "cube" },
      qHyperCubeDef: {
        qDimensions: [random.pick(FIELDS), random.pick(FIELDS)].map((field) => ({
          qDef: { qFieldDefs: [`[${field}]`] },
        })),
        qMeasures: [{ qDef: { qDef: random.pick(MEASURES) } }],
        qInitialDataFetch: [{ qWidth: 3, qHeight: 200 }],
      },
    });
    await cube.getLayout();
    return doc.destroySessionObject(cube.id);
  },
  async ({ doc, random }) => {
    const list = await doc.createSessionObject({
      qInfo: { qType: "list" },
      qListObjectDef: {
        qDef: { qFieldDefs: [`[${random.pick(FIELDS)}]`] },
        qInitialDataFetch: [{ qWidth: 1, qHeight: 500 }],
      },
    });
    await list.getLayout();
    await list.searchListObjectFor("/qListObjectDef", random.pick(["a*", "*er*", "*"]));
    await list.getListObjectData("/qListObjectDef", [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: 300 }]);
    return doc.destroySessionObject(list.id);
  },
  async ({ doc, random }) => {
    // A place of anybody's: what a person may not see cannot be selected either.
    const line = random.pick(lines);
    const field = random.pick(PLACES);
    return (await doc.getField(field)).select(textOf(line, field));
  },
  ({ doc }) => doc.clearAll(),
  ({ doc, random }) => doc.evaluate(`=Count(distinct [${random.pick(PLACES)}]) & Min(City) & Max(Amount)`),
  async ({ doc, random }) => {
    const ids = Object.values(OBJECT_ID.sales);
    return (await doc.getObject(random.pick(ids))).getLayout();
  },
  async ({ user, received }) => {
    const answer = await fetch(`${world.host}/api/v1/users/me`, { headers: world.headersOf(user) });
    const text = await answer.text();
    received.push(text);
    expect(JSON.parse(text)).toMatchObject({ subject: nameAtTenant(user) });
  },
];

async function wander(person: Person, log: string[]): Promise<void> {
  for (let call = 0; call < CALLS; call += 1) {
    await person.random.pick(calls)(person);
    log.push(person.user);
  }
}

test("two hundred calls of two users, one between the other, show neither what is the other's", async () => {
  const people = [await arrive(alice, "EMEA", 11), await arrive(bruno, "Americas", 12)] as const;
  const log: string[] = [];
  await Promise.all(people.map((person) => wander(person, log)));

  expect(log).toHaveLength(2 * CALLS);
  const turns = log.filter((user, index) => index > 0 && user !== log[index - 1]).length;
  expect(turns).toBeGreaterThan(CALLS / 4);
  for (const { rows, received } of people) {
    const own = placesOf(rows);
    const foreign = [...placesOf(lines)].filter((place) => !own.has(place));
    const all = received.join("\n");
    expect(foreign.length).toBeGreaterThan(100);
    expect(foreign.filter((place) => all.includes(place))).toEqual([]);
    // The same search finds what was there to be found.
    expect([...own].filter((place) => all.includes(place)).length).toBeGreaterThan(20);
  }
  for (const { doc, rows } of people) {
    await doc.clearAll();
    expect(Number(await doc.evaluate("Sum(Amount)"))).toBeCloseTo(sumOf(rows, "Amount"), 1);
  }

  const seen = world.tenant.recordings().filter(({ sessionId }) => sessionId !== undefined);
  const usersOfPeer = new Map<string, Set<string>>();
  for (const { peer, subject = "" } of seen)
    usersOfPeer.set(peer, (usersOfPeer.get(peer) ?? new Set()).add(subject));
  expect([...usersOfPeer.values()].map(({ size }) => size)).toEqual([...usersOfPeer].map(() => 1));
  expect(new Set(seen.map(({ subject }) => subject))).toEqual(new Set([alice, bruno].map(nameAtTenant)));
  await Promise.all(people.map((person) => person.close()));
});
