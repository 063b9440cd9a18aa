// `GET /sessions` had the limit of one call of the store, half a second, for the list of all its names. On a large store the
// list was cut off, the log said `store.lost`, and readiness was red: the front door took a healthy node out.
import { expect, test, vi } from "vitest";
import { Documents } from "../../src/registry/documents.ts";
import { createSeal } from "../../src/store/seal.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { settle } from "../support/session-nodes.ts";
import { SharedMemoryStore } from "../support/shared-memory-store.ts";

const timeout = 500;

/** Documents of a store whose list of names is made by `list`. */
function documentsOf(list: () => Promise<readonly string[]>) {
  const clock = createManualClock();
  const changed = vi.fn<(isReachable: boolean) => void>();
  class ListingStore extends SharedMemoryStore {
    override names = list;
  }
  const documents = new Documents({
    store: new ListingStore(clock),
    seal: createSeal(["s".repeat(32)]),
    clock,
    timeout,
    keepFor: 60_000,
    isRemote: true,
    changed,
    unreadable: () => {},
  });
  return { clock, changed, documents };
}

test("a list has its own time, which is not for ever", async () => {
  let listed = (_names: readonly string[]): void => {};
  const { clock, changed, documents } = documentsOf(() => new Promise((resolve) => (listed = resolve)));
  const long = documents.names("s.");
  clock.advance(20_000);
  await settle();
  listed(["s.a"]);
  expect(await long).toEqual(["s.a"]);
  const endless = documents.names("s.").catch((error: unknown) => error);
  await settle();
  clock.advance(30_000);
  expect(await endless).toMatchObject({ code: "QSP-STORE" });
  expect([documents.isSound, changed.mock.calls]).toEqual([true, []]);
});

test("a list that fails is no outage", async () => {
  const { changed, documents } = documentsOf(() => Promise.reject(new Error("too many keys")));
  await expect(documents.names("s.")).rejects.toMatchObject({ code: "QSP-STORE", retryAfter: 1 });
  expect([documents.isSound, changed.mock.calls]).toEqual([true, []]);
});
