import { describe, expect, test } from "vitest";
import type { ProxySession } from "./proxy-session.ts";
import { SessionCache } from "./session-cache.ts";

const [ann, bob] = ["a".repeat(32), "b".repeat(32)];
/** The cache looks at nothing but the key. */
const sessionOf = (key: string): ProxySession => ({ key }) as ProxySession;

describe("SessionCache", () => {
  test("finds a session by its key, and all of a subject by their tag", () => {
    const cache = new SessionCache();
    const [one, two, other] = [ann + "1", ann + "2", bob + "1"].map(sessionOf) as [
      ProxySession,
      ProxySession,
      ProxySession,
    ];
    for (const each of [one, two, other]) cache.add(each);
    expect([cache.get(ann + "1"), cache.get(bob + "1"), cache.get(bob + "2")]).toEqual([
      one,
      other,
      undefined,
    ]);
    expect(cache.ofTag(ann)).toEqual([one, two]);
    expect([cache.size, cache.all()]).toEqual([3, [one, two, other]]);
    cache.remove(one);
    expect(cache.ofTag(ann)).toEqual([two]);
  });

  test("a session that is taken out late leaves the next one under its key alone", () => {
    const cache = new SessionCache();
    const [old, fresh] = [sessionOf(ann + "1"), sessionOf(ann + "1")];
    cache.add(old);
    cache.add(fresh);
    cache.remove(old);
    expect(cache.get(ann + "1")).toBe(fresh);
    expect(cache.ofTag(ann)).toEqual([fresh]);
    cache.remove(fresh);
    cache.remove(fresh);
    expect([cache.size, cache.ofTag(ann)]).toEqual([0, []]);
  });

  test("the lists are as they were when they were asked for", () => {
    const cache = new SessionCache();
    const session = sessionOf(ann + "1");
    cache.add(session);
    const [all, ofTag] = [cache.all(), cache.ofTag(ann)];
    cache.remove(session);
    expect([all, ofTag]).toEqual([[session], [session]]);
  });
});
