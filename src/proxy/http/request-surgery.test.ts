import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testBackend } from "../../../test/support/test-backend.ts";
import { prepareHandshake, withSocketCredentials, type HandshakeRules } from "../socket/rewrite-handshake.ts";
import { prepareRequest, withCredentials, type RequestRules } from "./rewrite-request.ts";

/* Whatever a browser sends, in whatever order, case, spelling and number: what the tenant is sent keeps our word. */

const pick = fc.constantFrom;

/** What only we or nobody may say to the tenant. attacks H1, H2, H4, W17 */
const forbidden: readonly string[] = `
  Cookie Authorization Proxy-Authorization Qlik-CSRF-Token Qlik-Web-Integration-Id Qlik-Other
  X-Forwarded-For X-Forwarded-Host X-Forwarded-Uri Forwarded X-Real-IP X-Original-URL Via
  X-Test-User Host Origin Referer Sec-Fetch-Site X-HTTP-Method-Override Expect TE Content-Length
  Transfer-Encoding Connection Keep-Alive Upgrade Trailer Proxy-Connection
`
  .trim()
  .split(/\s+/);

const kept = [
  "Accept",
  "Content-Type",
  "X-Own",
  "If-Match",
  "If-None-Match",
  "Range",
  "Qlik-Api-Version",
] as const;

const ofHandshake = ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"] as const;

/** Spellings of a name, some of which a server behind us may take for the name. */
const spelled = (name: string): fc.Arbitrary<string> =>
  pick(
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    name.replaceAll("-", "_"),
    name.replace("-", "_").toLowerCase(),
    name.replaceAll("-", "."),
    `${name}_`,
    `${name}!`,
  );

/** Each line has a value of its own, so that what becomes of it can be followed. */
const line = (names: readonly string[]): fc.Arbitrary<string> => pick(...names).chain(spelled);

const listed = fc
  .array(pick(...kept, ...forbidden, ...ofHandshake, "close", "Upgrade", "", "\u00a0x"), { maxLength: 4 })
  .chain((names) => pick(names.join(", "), names.join(",").toLowerCase(), ` ${names.join(" ,\t")}`))
  .map((names) => ["Connection", names] as const);

const lines: fc.Arbitrary<readonly (readonly [string, string])[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: line(forbidden).map((name) => [name, "canary"] as const) },
      { weight: 3, arbitrary: line(kept).map((name) => [name, "kept"] as const) },
      { weight: 1, arbitrary: line(ofHandshake).map((name) => [name, "shake"] as const) },
      { weight: 1, arbitrary: listed },
    ),
    { maxLength: 14 },
  )
  .map((all) =>
    all.map(([name, value], index) => [name, name === "Connection" ? value : `${value}-${index}`] as const),
  );

const rules: RequestRules & HandshakeRules = {
  backend: testBackend,
  identityHeaders: new Set(["x-test-user"]),
  tagSuffix: null,
  clientAddress: "192.0.2.7",
};
const target = { path: "/api/v1/items", query: "" };

const pairsOf = (raw: readonly string[]): [string, string][] =>
  Array.from({ length: raw.length / 2 }, (_each, index) => [raw[2 * index] ?? "", raw[2 * index + 1] ?? ""]);

const lowerNames = (raw: readonly string[]): string[] => pairsOf(raw).map(([name]) => name.toLowerCase());

const credentials = { cookie: "eas.sid=ours", csrfToken: "ours", shown: [] };

const sentFor = (raw: readonly string[]): readonly string[] =>
  withCredentials(prepareRequest({ method: "POST", headers: raw, target }, rules).headers, credentials);

const shakenFor = (raw: readonly string[]): readonly string[] =>
  withSocketCredentials(prepareHandshake({ headers: raw, target }, rules), credentials).headers;

/** What ends each list, in this order, whatever came. */
const ours = {
  request: ["x-forwarded-for", "192.0.2.7", "cookie", "eas.sid=ours", "qlik-csrf-token", "ours"],
  handshake: ["x-forwarded-for", "192.0.2.7", "cookie", "eas.sid=ours"],
};

/** What begins the headers of a handshake. */
const opening = ["connection", "Upgrade", "upgrade", "websocket", "accept-encoding", "identity"];

const options = { numRuns: 500 };

describe.each([
  ["request", sentFor, ours.request, []],
  ["handshake", shakenFor, ours.handshake, opening],
] as const)("the headers of a %s", (kind, surgery, last, first) => {
  test("hold nothing that only we may say, in no spelling, and ours once", () => {
    fc.assert(
      fc.property(lines, (given) => {
        const sent = surgery(given.flat());
        expect(sent.filter((text) => text.startsWith("canary"))).toEqual([]);
        expect(sent.slice(0, first.length)).toEqual(first);
        expect(sent.slice(-last.length)).toEqual(last);
        const names = lowerNames(sent);
        const own = lowerNames([...first, ...last]);
        expect(names.filter((name) => own.includes(name)).toSorted()).toEqual(own.toSorted());
        expect(names.filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
      }),
      options,
    );
  });

  test("hold all else that the client may say, once for each time that it said it, in its order", () => {
    fc.assert(
      fc.property(lines, (given) => {
        const sent = surgery(given.flat());
        const connection = given.flatMap(([name, value]) => (name === "Connection" ? value.split(",") : []));
        const taken = new Set(connection.map((name) => name.trim().toLowerCase()));
        const expected = given.filter(([name, value]) => {
          const isOfHandshake = ofHandshake.some((each) => each.toLowerCase() === name.toLowerCase());
          if (value.startsWith("shake")) return kind === "handshake" && isOfHandshake;
          if (!value.startsWith("kept")) return false;
          return /^[a-z0-9-]+$/i.test(name) && !taken.has(name.toLowerCase()) && isPlain(name);
        });
        const between = pairsOf(sent.slice(first.length, sent.length - last.length));
        expect(between).toEqual(expected);
      }),
      options,
    );
  });

  test("do not depend on the order of the client's", () => {
    const shuffled = lines.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray([...given], { minLength: given.length })),
    );
    fc.assert(
      fc.property(shuffled, ([given, other]) => {
        const one = pairsOf(surgery(given.flat())).map(String).toSorted();
        expect(pairsOf(surgery(other.flat())).map(String).toSorted()).toEqual(one);
      }),
      options,
    );
  });

  test("are the same when they are made again, of the client's or of themselves, and nothing is shared or changed", () => {
    fc.assert(
      fc.property(lines, (given) => {
        const raw = Object.freeze(given.flat());
        const sent = surgery(raw);
        expect(surgery(raw)).toEqual(sent);
        expect(surgery(raw)).not.toBe(sent);
        expect(surgery(sent)).toEqual(sent);
        expect(Object.isFrozen(sent)).toBe(true);
        expect(raw).toEqual(given.flat());
      }),
      options,
    );
  });
});

/** Whether the name is one of those that pass, not an alias of them: an alias may be plain too. */
const isPlain = (name: string): boolean => kept.some((each) => each.toLowerCase() === name.toLowerCase());

describe("the headers of a request with tags of ours", () => {
  const tag = pick('"a"', 'W/"a"', '"a;qsp-mine"', 'W/"a;qsp-mine"', '"a;qsp-other"', "*", "", '"', "a");
  const name = pick("If-None-Match", "If-Match", "if-range", "If-Range");
  const range = fc.constant(["Range", "bytes=0-1"] as const);
  const conditions = fc.array(fc.oneof({ weight: 4, arbitrary: fc.tuple(name, tag) }, range), {
    maxLength: 5,
  });

  test("show the tenant no suffix, and mean the same in any order", () => {
    const shuffled = conditions.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    );
    const prepare = (given: readonly (readonly [string, string])[]) =>
      prepareRequest({ method: "GET", headers: given.flat(), target }, { ...rules, tagSuffix: "mine" });
    fc.assert(
      fc.property(shuffled, ([given, other]) => {
        const one = prepare(given);
        const two = prepare(other);
        expect(one.headers.filter((text) => text.includes(";qsp-"))).toEqual([]);
        expect(pairsOf(two.headers).map(String).toSorted()).toEqual(
          pairsOf(one.headers).map(String).toSorted(),
        );
        expect([two.conditionFails, two.hasOwnTag]).toEqual([one.conditionFails, one.hasOwnTag]);
      }),
      options,
    );
  });
});
