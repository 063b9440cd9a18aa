import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { testIdentity } from "../support/stack.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import type { SessionProxyOptions } from "../../src/index.ts";
import { answerBoth, doors, everything, forwarded, knockAt, openPath, through, type Door } from "./doors.ts";
import { wire } from "../support/kind-on-the-wire.ts";

const started = cleanedUp();

/** Says how often the host was asked who somebody is. */
async function start(
  policy: SessionProxyOptions["policy"] = everything,
): Promise<RawStack & { readonly asked: () => number }> {
  let count = 0;
  const identify = (request: IncomingMessage): ReturnType<typeof testIdentity> => {
    count += 1;
    return testIdentity(request.headers["x-test-user"]);
  };
  const both = await started.raw(answerBoth, { proxy: { policy, identify } });
  return { ...both, asked: () => count };
}

/** The status of each target, sent to one door. */
async function statuses(
  { stack }: RawStack,
  door: Door,
  targets: readonly string[],
): Promise<readonly (readonly [string, number])[]> {
  const found: [string, number][] = [];
  for (const target of targets) found.push([target, (await knockAt(stack, door, target)).status]);
  return found;
}

const all = (targets: readonly string[], status: number): readonly (readonly [string, number])[] =>
  targets.map((target) => [target, status]);

/** Each of them means another path to somebody, or could. The names of the line are in its order. attacks P2 */
const ambiguous = {
  "dot segments": ["/qlik/../admin", "/qlik/a/../../admin", "/qlik/a/..", "/qlik/./a", "/qlik/a/."],
  "escaped dots": ["/qlik/%2e%2e/admin", "/qlik/.%2E/admin", "/qlik/%2e/a", "/qlik/a/%2e%2e"],
  "dots escaped twice and more": ["/qlik/%252e%252e/admin", "/qlik/%25252e%25252e/a", "/qlik/%252e/a"],
  "dots with parameters": ["/qlik/..;/admin", "/qlik/..;a=b/admin", "/qlik/.;x/a", "/qlik/..%3b/admin"],
  backslashes: ["/qlik/..\\admin", "/qlik\\..\\admin", "/qlik/a\\b", "/qlik/%5c..%5cadmin", "/qlik/a%255cb"],
  "empty segments": ["//qlik/a", "/qlik//a", "/qlik/a//", "//evil.example/qlik/a", "/qlik/a%2f%2fb"],
  "slashes that hide dots": ["/qlik/..%2fadmin", "/qlik/a%2f../b", "/qlik/..%252fadmin", "/qlik/a%2f"],
  "overlong UTF-8": ["/qlik/%c0%ae%c0%ae/a", "/qlik/%c0%af", "/qlik/%e0%80%ae/", "/qlik/%25c0%25ae/a"],
  "no UTF-8": ["/qlik/%80", "/qlik/caf%e9", "/qlik/%ed%a0%80", "/qlik/%", "/qlik/%2", "/qlik/%zz"],
  NUL: ["/qlik/a\0b", "/qlik/a%00.png", "/qlik/a%2500"],
  "tabs and line ends": ["/qlik/a\tb", "/qlik/a%09b", "/qlik/a%0ab", "/qlik/a%0d%0aX:%20y", "/qlik/a%250a"],
  "bytes outside ASCII": ["/qlik/caf\u00c3\u00a9", "/qlik/caf\u00e9", "/qlik/a?\u00ff"],
} as const;

describe.each(doors)("the path of an incoming %s", (door) => {
  // attacks P1
  test("is what counts, whatever stands in query or fragment", async () => {
    const both = await start({ presets: [], allow: ["GET /open/**", "UPGRADE /open/**"] });
    const queries = [
      "/qlik/shut?/open/a",
      "/qlik/shut?path=/open/a",
      "/qlik/shut/?x=/../open/a",
      "/qlik?/open",
    ];
    const fragments = ["/qlik/shut#/open/a", "/qlik/open/a#", "/qlik/open/a?b#/c"];
    expect(await statuses(both, door, queries)).toEqual(all(queries, 404));
    expect(await statuses(both, door, fragments)).toEqual(all(fragments, 400));
    expect(both.upstream.seen).toEqual([]);
    const harmless = "/qlik/open/a?path=/shut/../login#".slice(0, -1);
    expect((await knockAt(both.stack, door, harmless)).status).toBe(through(door));
  });

  // attacks P2
  test("is refused where it can be read in two ways, before anybody is asked who it is", async () => {
    const both = await start();
    for (const targets of Object.values(ambiguous)) {
      expect(await statuses(both, door, targets)).toEqual(all(targets, 400));
    }
    expect([both.upstream.seen, both.asked()]).toEqual([[], 0]);
  });

  // attacks P2, P6
  test("that is matched is the path that travels, byte for byte", async () => {
    const both = await start();
    const paths = [
      "/app/5f%2Fa1%3Ftransient%3D/identity/%c3%a9",
      "/app/SessionApp_1%3Ftransient%3d",
      "/a/b%2Fc%2fd",
      "/a/100%2525.csv",
      "/a;v=1/b.;x/...",
      "/a/'()*!$&,:@~+",
      "/a/trailing/",
    ];
    for (const path of paths) {
      expect(await statuses(both, door, [`/qlik${path}?b=1`])).toEqual([[`/qlik${path}?b=1`, through(door)]]);
    }
    const sent = forwarded(both.upstream.seen).map((request) => request.path);
    const token = door === "upgrade" && wire.token.inUpgrades ? "&qlik-csrf-token=raw-token" : "";
    expect(sent).toEqual(paths.map((path) => `${path}?b=1${token}`));
  });

  // attacks P3
  test("cannot be spelled so that a deny rule does not see it", async () => {
    const deny = ["/api/v1/spaces/**", "UPGRADE /api/v1/spaces/**"];
    const both = await start({ ...everything, deny });
    const spellings = [
      "/api/v1/spaces",
      "/api/v1/spaces/1",
      "/API/v1/Spaces",
      "/api/v1/spaces/",
      "/api/v1/spaces.",
      "/api/v1/spaces...",
      "/api/v1/spaces%20",
      "/api/v1/spaces;x",
      "/api/v1/spaces;x=1/2",
      "/api;a/v1;b/spaces",
      "/api/v1/%73paces",
      "/api/v1/%2573paces",
      "/api%2Fv1%2Fspaces",
      "/api/v1/spaces%3Fx",
      "/api/v1/spaces%3bx",
      "/api/v1/spaces%2E",
    ].map((path) => `/qlik${path}`);
    expect(await statuses(both, door, spellings)).toEqual(all(spellings, 404));
    expect([both.upstream.seen, both.asked()]).toEqual([[], 0]);
    expect((await knockAt(both.stack, door, "/qlik/api/v1/spacesx")).status).toBe(through(door));
  });

  // attacks P5
  test("is refused where it would leave the prefix once it is decoded", async () => {
    const both = await start();
    const targets = [
      "/qlik/%2e%2e/qlik/open",
      "/qlik/..%2fadmin",
      "/qlik/a/%2e%2e%2f%2e%2e/admin",
      "/qlik/%252e%252e%252fadmin",
      "/qlik%2f..%2fadmin",
      "/qlik%5c..%5cadmin",
    ];
    expect(await statuses(both, door, targets)).toEqual(all(targets, 400));
    expect(both.upstream.seen).toEqual([]);
  });

  // attacks P6
  test("may hold an escaped slash in an id, which is one segment to everybody or none to a rule", async () => {
    const both = await start({ allow: ["GET /one/*/end", "UPGRADE /one/*/end"] });
    const taken = ["/qlik/one/id%3Ftransient%3D/end", "/qlik/one/a%23b/end"];
    const split = ["/qlik/one/a%2Fb/end", "/qlik/one/a%252Fb/end", "/qlik/one/a%2Fb%2Fend"];
    expect(await statuses(both, door, taken)).toEqual(all(taken, through(door)));
    expect(await statuses(both, door, split)).toEqual(all(split, 404));
    expect(forwarded(both.upstream.seen)).toHaveLength(taken.length);
  });
});

/** Begin like the prefix, or would be it for somebody who decodes or folds. attacks P4 */
const lookAlikes = [
  "/qlikevil/open",
  "/qlik.evil/open",
  "/qlik-/open",
  "/qlik;x/open",
  "/qlik%2Fopen",
  "/%71lik/open",
  "/QLIK/open",
  "/x/qlik/open",
] as const;

describe("a path that only looks like ours", () => {
  test("as a request is the host's", async () => {
    const { stack, upstream } = await started.raw(answerBoth, {
      proxy: { policy: everything },
      mount: (proxy) => (request, response) =>
        proxy(request, response, () => response.end(`host ${request.url}`)),
    });
    for (const target of lookAlikes) {
      expect(await knockAt(stack, "request", target)).toMatchObject({ status: 200, body: `host ${target}` });
    }
    expect(upstream.seen).toEqual([]);
  });

  test("as an upgrade is the host's", async () => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy: everything } });
    stack.server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      if (!request.url?.startsWith("/qlik/"))
        socket.end(`HTTP/1.1 426 Host\r\nX-Host: ${request.url}\r\n\r\n`);
    });
    for (const target of lookAlikes) {
      const answer = await knockAt(stack, "upgrade", target);
      expect([answer.status, answer.head]).toEqual([426, expect.stringContaining(`X-Host: ${target}`)]);
    }
    expect(upstream.seen).toEqual([]);
  });

  test("is nobody's where there is no host", async () => {
    const both = await start();
    for (const door of doors) {
      expect(await statuses(both, door, lookAlikes)).toEqual(all(lookAlikes, 404));
    }
    expect(both.upstream.seen).toEqual([]);
  });
});

// attacks P10
describe.each(doors)("an incoming %s for what begins or ends sessions", (door) => {
  test("never reaches the tenant, by whatever method and under whatever rule", async () => {
    const both = await start();
    // The policy is in force, and there is a session to be had.
    expect((await knockAt(both.stack, door, `/qlik${openPath(door)}`)).status).toBe(through(door));
    const before = both.upstream.seen.length;
    const shut = [
      "/login/",
      "/login/jwt-session",
      "/logout/",
      "/oauth",
      "/oauth/token",
      "/qps/user",
      "/qps/csrftoken",
      "/.session",
      "/.session/a",
    ];
    const hidden = [
      "/Login",
      "/%6cogout",
      "/logout;a",
      "/oauth%2Ftoken",
      "/%2esession",
      "/QPS/user",
      "/%71ps/user",
    ];
    const targets = [...shut, ...hidden].map((path) => `/qlik${path}`);
    for (const method of door === "upgrade" ? ["GET"] : ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
      // Answered here; `/logout` is too, but ends the session, of which the tenant hears from us.
      await knockAt(both.stack, door, "/qlik/login?returnto=/", { method });
      for (const target of targets) {
        const { status } = await knockAt(both.stack, door, target, { method });
        expect([method, target, status]).toEqual([method, target, 404]);
      }
    }
    expect(both.upstream.seen.slice(before)).toEqual([]);
  });
});
