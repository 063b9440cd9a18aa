import * as diagnostics from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { testBackend } from "../../test/support/test-backend.ts";
import { createCookieJar } from "../http/cookie-jar.ts";
import { createManualClock } from "../../test/support/manual-clock.ts";
import type { Live } from "../registry/subject-record.ts";
import { formatContent } from "./session-content.ts";
import { createTenantAccess } from "./tenant-access.ts";
import { createTenantSession } from "./tenant-session.ts";
import { ToldEnds } from "./told-ends.ts";

const place = { host: "tenant.example", secure: true, backend: testBackend };
const claims = { sub: "ann", subType: "user", name: "Ann", email_verified: false } as const;
const key = "a".repeat(64);

function setUp() {
  const clock = createManualClock();
  const told: string[] = [];
  const tenant = createTenantAccess({
    clock,
    place,
    origin: "https://tenant.example",
    timeout: 1000,
    callFor: () => async (request) => {
      told.push(/eas\.sid=(\w+)/.exec(request.headers.join("\n"))?.[1] ?? "");
      if (told.at(-1) === "broken") throw new Error("reset");
      const status = { refused: 500, unknown: 401 }[told.at(-1) ?? ""] ?? 200;
      return { status, headers: [], body: Buffer.from("") };
    },
  });
  const live = (birth: string, ...sids: readonly string[]): Live => {
    const generations = sids.map((sid, index) => {
      const jar = createCookieJar(place);
      jar.absorb([`eas.sid=${sid}; path=/; secure`], clock.now());
      const credential = { jar, accessToken: null, csrfToken: null, endsAt: null };
      const generation = sids.length - index;
      return createTenantSession({ generation, backend: testBackend, credential, claims }, clock.now());
    });
    const content = formatContent(generations, 0);
    return { birth, content } as unknown as Live;
  };
  return { told, live, ends: new ToldEnds(tenant, place) };
}

describe("ToldEnds", () => {
  test("the tenant is told of every generation, each with its own cookies", async () => {
    const { told, live, ends } = setUp();
    await ends.tell(key, live("one", "c", "b", "a"));
    expect(told).toEqual(["c", "b", "a"]);
  });

  test("what the tenant knows already is not told again", async () => {
    const { told, live, ends } = setUp();
    ends.note("one", [2]);
    await ends.tell(key, live("one", "b", "a"));
    await ends.tell(key, live("one", "c", "b", "a"));
    await ends.tell(key, live("two", "a"));
    expect(told).toEqual(["a", "c", "a"]);
  });

  test("a tenant that cannot be told, and a content that cannot be read, are no error", async () => {
    const { told, live, ends } = setUp();
    await ends.tell(key, live("one", "broken", "a"));
    await ends.tell(key, { ...live("two", "a"), content: "garbage" });
    expect(told).toEqual(["broken", "a"]);
  });

  test("a tenant that will not hear of an end is told of in the log; one that does not know the session has nothing to end", async () => {
    const { live, ends } = setUp();
    const events: unknown[] = [];
    const listener = (event: unknown): void => void events.push(event);
    diagnostics.subscribe("qsp:session", listener);
    await ends.tell(key, live("one", "refused", "unknown", "a"));
    diagnostics.unsubscribe("qsp:session", listener);
    expect(events).toMatchObject([
      { event: "session.logoutFailed", level: "warn", code: "QSP-UPSTREAM", reason: "status 500" },
    ]);
  });

  test("a thousand sessions are remembered, the oldest give way", async () => {
    const { told, live, ends } = setUp();
    ends.note("old", [1]);
    for (let index = 0; index < 1000; index += 1) ends.note(`s${index}`, [1]);
    await ends.tell(key, live("s0", "kept"));
    await ends.tell(key, live("old", "forgotten"));
    expect(told).toEqual(["forgotten"]);
  });
});
