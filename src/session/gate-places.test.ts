import { describe, expect, test } from "vitest";
import { Places, type Place } from "./gate-places.ts";

const now = 1_000_000;

/** Takes a place, and waits there. */
function join(places: Places<string>, subject: string, waiter = subject): Place<string> {
  const place = places.take(subject, now);
  if (place === null) throw new Error("no place is left");
  places.join(place, waiter);
  return place;
}

describe("Places", () => {
  test("counts those ahead, and how many of them wait", () => {
    const places = new Places<string>(10);
    const [ann, bob, cid] = ["ann", "bob", "cid"].map((subject) => join(places, subject));
    if (!ann || !bob || !cid) throw new Error("no place is left");
    places.leave(ann, "ann");
    expect([ann, bob, cid].map((place) => places.ahead(place))).toEqual([
      { places: 0, waiting: 0 },
      { places: 1, waiting: 0 },
      { places: 2, waiting: 1 },
    ]);
    expect([...places.present()].map(({ place, ahead }) => [place.subject, ahead])).toEqual([
      ["bob", { places: 1, waiting: 0 }],
      ["cid", { places: 2, waiting: 1 }],
    ]);
    expect([places.size, places.waiters]).toEqual([3, 2]);
  });

  test("the second waiter of a place stands at the end after the first was served", () => {
    const places = new Places<string>(10);
    const ann = join(places, "ann", "one");
    places.join(ann, "two");
    join(places, "bob");
    expect(places.shift()).toBe("one");
    expect(places.ahead(ann)).toEqual({ places: 1, waiting: 1 });
    expect([places.shift(), places.shift(), places.shift()]).toEqual(["bob", "two", undefined]);
    expect([places.size, places.waiters]).toEqual([0, 0]);
  });

  test("a place is found again until it is over, and then given to others", () => {
    const places = new Places<string>(2);
    const ann = join(places, "ann");
    places.leave(ann, "ann");
    ann.keptUntil = now + 5000;
    join(places, "bob");
    expect(places.take("cid", now)).toBeNull();
    expect(places.take("ann", now + 5000)).toBe(ann);
    expect(places.take("cid", now + 6001)?.number).toBeGreaterThan(ann.number);
    expect(places.take("ann", now + 6001)).toBeNull();
  });

  test("who leaves twice is counted once", () => {
    const places = new Places<string>(2);
    const ann = join(places, "ann");
    places.leave(ann, "ann");
    places.leave(ann, "ann");
    expect(places.waiters).toBe(0);
  });
});
