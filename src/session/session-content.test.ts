import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { testBackend } from "../../test/support/test-backend.ts";
import { createCookieJar } from "../http/cookie-jar.ts";
import { Secret } from "../kernel/secret.ts";
import { createCloudOauth } from "../tenant/cloud-oauth/backend.ts";
import { formatContent, mergeStored, parseContent, toTenantSession, withCookies } from "./session-content.ts";
import { absorbCookies, createTenantSession, type TenantSession } from "./tenant-session.ts";

const place = { host: "tenant.example", secure: true, backend: testBackend };
const now = 1_700_000_000_000;
const claims = { sub: "ann", subType: "user", name: "Ann", email_verified: false } as const;

function generation(number: number, ...setCookies: readonly string[]): TenantSession {
  const jar = createCookieJar(place);
  jar.absorb(setCookies, now);
  const credential = { jar, accessToken: null, csrfToken: null, endsAt: null };
  return createTenantSession({ generation: number, backend: testBackend, credential, claims }, now);
}

const cookies = ({ jar }: TenantSession): Record<string, string> =>
  Object.fromEntries(jar.snapshot().map(({ name, value }) => [name, value]));

const stored = (session: TenantSession) => {
  const [first] = formatContent([session], 0).generations;
  if (first === undefined) throw new Error("nothing was stored");
  return first;
};

describe("the content of a session in the store", () => {
  test("holds the cookies of the session, and none of a load balancer", () => {
    const session = generation(1, "eas.sid=one; path=/; secure", "_csrfToken=t; path=/", "AWSALB=lb; path=/");
    expect(
      stored(session)
        .cookies.map(({ name }) => name)
        .sort(),
    ).toEqual(["_csrfToken", "eas.sid"]);
  });

  test("holds the current generation and two before it, in their order", () => {
    const generations = [4, 3, 2, 1].map((number) => generation(number, `eas.sid=g${number}; path=/`));
    expect(formatContent(generations, 0).generations.map((each) => each.generation)).toEqual([4, 3, 2]);
  });

  test("is the same generation on a node with another clock", () => {
    const content = parseContent(
      JSON.parse(JSON.stringify(formatContent([generation(3, "eas.sid=x; path=/; secure")], 500))),
      "qlik-cloud-jwt",
    );
    const [first] = content?.generations ?? [];
    if (first === undefined) throw new Error("nothing was stored");
    const read = toTenantSession(first, place, { now: now + 9, offset: -2000 });
    expect(read).toMatchObject({
      generation: 3,
      claims,
      createdAt: now - 2500,
      lastSentAt: now + 9,
      over: false,
    });
    expect([cookies(read), read.jar.header("/", now)]).toEqual([{ "eas.sid": "x" }, "eas.sid=x"]);
    // A young generation that another node made is not taken for one that never worked.
    expect(read.provenAt).toBeGreaterThan(0);
  });

  test.each([null, undefined, {}, [], "text", 7, { generations: [] }, { generations: "x" }])(
    "%j is no content",
    (content) => {
      expect(parseContent(content, "qlik-cloud-jwt")).toBeNull();
    },
  );
});

describe("mergeStored", () => {
  test("takes over what the tenant replaced elsewhere, and keeps this node's load balancer", () => {
    const session = generation(1, "eas.sid=old; path=/", "AWSALB=lb; path=/");
    mergeStored(session, stored(generation(1, "eas.sid=new; path=/")), place);
    expect(cookies(session)).toEqual({ "eas.sid": "new", AWSALB: "lb" });
  });

  test("keeps what the tenant replaced here and the others do not know yet", () => {
    const session = generation(1, "eas.sid=mine; path=/");
    session.unshared.add("eas.sid");
    mergeStored(session, stored(generation(1, "eas.sid=theirs; path=/", "_csrfToken=t; path=/")), place);
    expect(cookies(session)).toEqual({ "eas.sid": "mine", _csrfToken: "t" });
  });
});

describe("withCookies", () => {
  test("puts the named cookies in the place of those of the same generation, and touches nothing else", () => {
    const content = formatContent(
      [generation(2, "eas.sid=b; path=/", "_csrfToken=t; path=/"), generation(1, "eas.sid=a; path=/")],
      0,
    );
    const mine = generation(2, "eas.sid=new; path=/", "_csrfToken=other; path=/");
    const [second, first] = withCookies(content, mine, new Set(["eas.sid"]))?.generations ?? [];
    const values = (each: typeof first) =>
      Object.fromEntries((each?.cookies ?? []).map(({ name, value }) => [name, value]));
    expect([values(second), values(first)]).toEqual([
      { "eas.sid": "new", _csrfToken: "t" },
      { "eas.sid": "a" },
    ]);
  });

  test("makes nothing of what cannot be read", () => {
    expect(withCookies("garbage", generation(1), new Set())).toBeNull();
  });
});

describe("the kind of a record", () => {
  const written = (): object =>
    JSON.parse(JSON.stringify(formatContent([generation(1, "eas.sid=x; path=/")], 0)));

  test("keeps it from being opened as another, and one from before there were kinds is opened", () => {
    const content = written();
    expect(parseContent(content, "qlik-cloud-jwt")).toEqual(content);
    expect(parseContent(content, "qlik-cloud-oauth")).toBeNull();
    const { kind: _kind, ...older } = content as { kind?: string };
    expect(parseContent(older, "qlik-cloud-jwt")?.generations).toHaveLength(1);
    expect(parseContent(older, "qlik-sense-jwt")).toBeNull();
  });

  test("a token and its end are the same on a node with another clock, and cannot be printed", () => {
    const backend = createCloudOauth({
      origin: "https://tenant.example",
      client: { clientId: "c", clientSecret: new Secret("s"), scope: "user_default", userLookup: "subject" },
    });
    const credential = {
      jar: createCookieJar(place),
      accessToken: new Secret("canary-token"),
      csrfToken: null,
      endsAt: now + 6000,
    };
    const session = createTenantSession({ generation: 1, backend, credential, claims }, now);
    const read = toTenantSession(stored(session), { ...place, backend }, { now, offset: 500 });
    expect([read.accessToken?.reveal(), read.endsAt]).toEqual(["canary-token", now + 6500]);
    expect(backend.headersOf(read)).toEqual(["authorization", "Bearer canary-token"]);
    expect(JSON.stringify(read) + inspect(read, { depth: 9 })).not.toContain("canary-token");
    absorbCookies(
      read,
      { status: 200, setCookies: ["eas.sid=x; path=/", "AWSALB=y; path=/"], authLoss: false },
      now,
    );
    expect(read.jar.header("/", now)).toBe("AWSALB=y");
  });
});
