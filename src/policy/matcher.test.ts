import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTarget } from "../http/target.ts";
import { parseRule, type RouteClass, type RouteRule } from "./rule.ts";
import { createPolicy, type Policy } from "./matcher.ts";

const rules = (lines: readonly string[], routeClass?: RouteClass): RouteRule[] =>
  lines.map((line) => {
    const rule = parseRule(line, routeClass);
    if ("problem" in rule) throw new Error(rule.problem);
    return rule;
  });

const policyOf = (allow: readonly string[], deny: readonly string[] = []): Policy =>
  createPolicy({ allow: rules(allow), deny: rules(deny) });

describe("createPolicy", () => {
  const policy = policyOf([
    "GET,HEAD /api/v1/items/**",
    "GET /api/v1/users/me",
    "POST /api/v1/licenses/allotments/**",
    "UPGRADE /app/**",
    "GET /api/v1/apps/*/media",
    "/any",
    "GET /single/",
  ]);

  test.each([
    ["GET", "/api/v1/items", "GET,HEAD /api/v1/items/**"],
    ["GET", "/api/v1/items/", "GET,HEAD /api/v1/items/**"],
    ["HEAD", "/api/v1/items/a%2Fb/c;d", "GET,HEAD /api/v1/items/**"],
    ["GET", "/api/v1/users/me", "GET /api/v1/users/me"],
    ["GET", "/api/v1/apps/x%3Fy/media", "GET /api/v1/apps/*/media"],
    ["DELETE", "/any", "/any"],
    ["GET", "/single/", "GET /single/"],
  ])("allows %s %s by %s", (method, path, rule) => {
    expect(policy.judge(method, false, path)).toMatchObject({ allowed: true, rule });
  });

  test.each([
    ["GET", "/api/v1/itemsx"],
    ["GET", "/api/v1/Items"],
    ["GET", "/api/v1/%69tems"],
    ["GET", "/api/v1"],
    ["GET", "/api/v1/users/me/"],
    ["GET", "/api/v1/users/me."],
    ["GET", "/api/v1/users/me;x"],
    ["GET", "/api/v1/users"],
    ["HEAD", "/api/v1/users/me"],
    ["POST", "/api/v1/users/me"],
    ["OPTIONS", "/api/v1/items"],
    ["GET", "/app/x"],
    ["GET", "/api/v1/apps//media"],
    ["GET", "/api/v1/apps/a/b/media"],
    ["GET", "/api/v1/apps/a%2Fb/media"],
    ["GET", "/api/v1/apps/a%252Fb/media"],
    ["GET", "/single"],
    ["GET", "/"],
    ["TRACE", "/any"],
    ["CONNECT", "/any"],
  ])("denies %s %s", (method, path) => {
    expect(policy.judge(method, false, path)).toMatchObject({ allowed: false, rule: null, routeClass: null });
  });

  test("keeps upgrades and requests apart", () => {
    expect(policy.judge("GET", true, "/app/x/identity/y")).toMatchObject({
      allowed: true,
      routeClass: "engine",
    });
    expect(policy.judge("GET", true, "/any")).toMatchObject({ allowed: false });
    expect(policy.judge("GET", true, "/api/v1/items")).toMatchObject({ allowed: false });
  });

  test("says why", () => {
    const reason = (method: string, path: string): string => policy.judge(method, false, path).reason;
    expect(reason("PUT", "/api/v1/items")).toBe("No rule allows this method here.");
    expect(reason("PUT", "/other")).toBe("No rule allows this path.");
    expect(reason("TRACE", "/any")).toBe("TRACE is never offered.");
  });

  test("names the class of the rule, and never calls what is below /api/ a page", () => {
    const open = createPolicy({
      allow: [...rules(["/resources/**"], "static"), ...rules(["/**"])],
      deny: [],
    });
    const routeClass = (path: string): RouteClass | null => open.judge("GET", false, path).routeClass;
    expect(routeClass("/resources/a.js")).toBe("static");
    expect(routeClass("/single/")).toBe("page");
    for (const path of ["/api/v1/items", "/API/v1", "/%61pi/v1", "/api%2Fv1", "/%2561pi/v1", "/api;x/v1"]) {
      expect(routeClass(path)).toBe("rest");
    }
  });

  test("the first rule that fits is the one that counts", () => {
    const both = policyOf(["GET /a/*", "GET /a/b"]);
    expect(both.judge("GET", false, "/a/b").rule).toBe("GET /a/*");
  });
});

describe("deny rules", () => {
  const policy = policyOf(
    ["/**", "UPGRADE /**"],
    ["/api/v1/spaces/**", "DELETE /api/v1/apps/*", "UPGRADE /app/secret", "/admin"],
  );

  test.each([
    "/api/v1/spaces",
    "/api/v1/spaces/",
    "/api/v1/spaces/1/assignments",
    "/API/V1/Spaces",
    "/api/v1/SPACES/",
    "/api/v1/spaces.",
    "/api/v1/spaces...",
    "/api/v1/spaces%20",
    "/api/v1/spaces;x",
    "/api/v1/spaces;x=1/2",
    "/api/v1;x/spaces",
    "/api;a/v1;b/spaces;c",
    "/api/v1/%73paces",
    "/api/v1/%73%70%61%63%65%73",
    "/%61%70%69/v1/spaces/",
    "/api/v1/%2573paces",
    "/api/v1/%252573paces",
    "/api%2Fv1%2Fspaces",
    "/api/v1%2Fspaces/x",
    "/api/v1%252Fspaces",
    "/api%2Fv1%252Fspaces",
    "/api/v1/spaces%2Fx",
    "/api/v1/spaces%3Fx",
    "/api/v1/spaces%23x",
    "/api/v1/spaces%3Bx",
    "/api/v1/spaces%2E",
    "/api/v1/SPACES%253bx%2F1",
    "/Admin",
    "/admin/",
    "/admin.",
    "/%41dmin",
  ])("catch %s", (path) => {
    expect(policy.judge("GET", false, path)).toMatchObject({
      allowed: false,
      reason: "A deny rule applies.",
    });
  });

  test.each([
    "/api/v1/space",
    "/api/v1/spacesx",
    "/api/v2/spaces",
    "/x/api/v1/spaces",
    "/admin/x",
    "/administrator",
  ])("leave %s alone", (path) => {
    expect(policy.judge("GET", false, path).allowed).toBe(true);
  });

  test("are about the methods that they name", () => {
    expect(policy.judge("DELETE", false, "/api/v1/apps/1")).toMatchObject({
      allowed: false,
      rule: "DELETE /api/v1/apps/*",
    });
    expect(policy.judge("DELETE", false, "/api/v1/apps/a%2Fb").allowed).toBe(false);
    expect(policy.judge("GET", false, "/api/v1/apps/1").allowed).toBe(true);
    expect(policy.judge("GET", true, "/app/Secret/").allowed).toBe(false);
    expect(policy.judge("GET", false, "/app/secret").allowed).toBe(true);
    expect(policy.judge("GET", true, "/api/v1/spaces").allowed).toBe(true);
  });

  /** Spells a character in one of the ways that some server takes for the same. */
  const spell = (character: string, way: number): string => {
    const escape = `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
    const ways = [character, character.toUpperCase(), escape, escape.toUpperCase(), `%25${escape.slice(1)}`];
    return ways[way % ways.length] as string;
  };

  test("no spelling of a denied path that the target parser takes gets past", () => {
    let taken = 0;
    const ways = fc.array(fc.nat(9), { minLength: 14, maxLength: 14 });
    const tail = fc.constantFrom("", "/", ".", ";v=1", "%2F1", "/1", "%20", "%252f2", "%3b");
    fc.assert(
      fc.property(
        ways,
        tail,
        fc.integer({ min: 0, max: 14 }),
        fc.constantFrom("", ";a=1"),
        (list, end, at, between) => {
          // Most characters as they are, or no path would be left to look at.
          const units = Array.from("api/v1/spaces", (unit, i) =>
            i % 3 === at % 3 ? spell(unit, list[i] ?? 0) : unit,
          );
          const path = `/${units.join("").replace("/v1", `${between}/v1`)}${end}`;
          const target = parseTarget(path);
          fc.pre(target !== null);
          taken += 1;
          expect(policy.judge("GET", false, path).allowed).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });

  test("a path of a hundred thousand segments or escapes is judged at once", () => {
    expect(policy.judge("GET", false, "/a".repeat(100_000)).allowed).toBe(true);
    expect(policy.judge("GET", false, `/${"%2541".repeat(100_000)}`).allowed).toBe(true);
    expect(policy.judge("GET", false, `/admin${";".repeat(100_000)}`).allowed).toBe(false);
  });
});

/**
 * A path is read once and then compared, whatever the number of rules. Were it read once for each rule, each of these
 * would take a minute or more, and run into the time limit of a test.
 */
describe("thousands of rules over a long path", () => {
  const many = Array.from({ length: 5000 }, (_, at) => at);
  const segments = "/a".repeat(100_000);
  const escapes = "%2541".repeat(60_000);

  test.each([
    ["many segments", segments],
    ["one segment of escapes", `/${escapes}`],
    ["escaped slashes, one below the other", `/${"%252Fa".repeat(50_000)}`],
    ["escapes that do not decode", `/${"%25%ff".repeat(50_000)}`],
  ])("no deny rule reads it again: %s", (_what, path) => {
    const deny = many.flatMap((at) => [
      `/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/deny-${at}/**`,
      `/*/*/*/*/*/*/*/deny-${at}`,
      `/a/*/deny-${at}`,
    ]);
    expect(policyOf(["/**"], deny).judge("GET", false, path).allowed).toBe(true);
    expect(policyOf(["/**"], [...deny, "/**"]).judge("GET", false, path).allowed).toBe(false);
  });

  test("no allow rule reads it again", () => {
    const policy = policyOf(many.map((at) => `GET /*/allow-${at}`));
    expect(policy.judge("GET", false, `/${escapes}/allow-4999`)).toMatchObject({ allowed: true });
    expect(policy.judge("GET", false, `/${escapes}%252F/allow-4999`)).toMatchObject({ allowed: false });
    expect(policy.judge("GET", false, `/${escapes}/none`)).toMatchObject({ allowed: false });
  });
});
