import { describe, expect, test } from "vitest";
import { wire } from "../support/kind-on-the-wire.ts";
import { rawSession, rawToken, type SeenRequest } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import {
  answerBoth,
  answerTo,
  bytesOf,
  doors,
  forwarded,
  knockAt,
  openPath,
  through,
  type Door,
} from "./doors.ts";

const started = cleanedUp();

/** Sends headers to one door, by which they must not be kept out, and gives what the tenant was sent. */
async function arriving(door: Door, headers: readonly string[], path?: string): Promise<SeenRequest> {
  const { stack, upstream } = await started.raw(answerBoth);
  const target = path ?? openPath(door);
  const answer = await knockAt(stack, door, `/qlik${target}`, { headers });
  expect([headers, answer.status]).toEqual([headers, through(door)]);
  const [request, ...more] = forwarded(upstream.seen);
  expect(more).toEqual([]);
  return request as SeenRequest;
}

/** What shows the tenant whose a request is, and the target of an upgrade or a request behind whose own parameters the token is. */
const shownByUs = wire.shownBy(rawSession, rawToken);
const withToken = (door: Door, path: string): string =>
  door === "upgrade" && wire.token.inUpgrades
    ? `${path}${path.includes("?") ? "&" : "?"}qlik-csrf-token=${rawToken}`
    : path;

const namesOf = ({ headers }: SeenRequest): readonly string[] => headers.map(([name]) => name);

/** Where a front door would say from where, for what, by whom a request came. attacks H1 */
const spoofed = [
  "X-Forwarded-For: 127.0.0.1, 198.51.100.7",
  "X-Forwarded-Host: evil.example",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Uri: /api/v1/spaces",
  "X-Forwarded-Method: DELETE",
  "X-Forwarded-Prefix: /evil",
  "X-Forwarded-Port: 443",
  "Forwarded: for=127.0.0.1;host=evil.example;proto=https",
  "X-Real-IP: 127.0.0.1",
  "X-Client-IP: 127.0.0.1",
  "True-Client-IP: 127.0.0.1",
  "X-Original-URL: /api/v1/spaces",
  "X-Original-Host: evil.example",
  "X-Rewrite-URL: /api/v1/spaces",
  "X-Host: evil.example",
  "Via: 1.1 evil.example",
] as const;

// attacks H1
describe.each(doors)("what a peer says of the way of an incoming %s", (door) => {
  test("does not reach the tenant, nor move the request", async () => {
    const request = await arriving(door, spoofed);
    expect(JSON.stringify(request.headers)).not.toMatch(/evil|spaces|127\.0\.0\.1|198\.51|DELETE/);
    expect([request.method, request.path]).toEqual(["GET", withToken(door, openPath(door))]);
  });

  test("opens nothing that is shut, and stands neither for the Host nor for the Origin", async () => {
    const { stack, upstream } = await started.raw(answerBoth);
    const { host } = new URL(stack.origin);
    const target = `/qlik${openPath(door)}`;
    const open = spoofed.map((line) => line.replace("/api/v1/spaces", openPath(door)));
    expect((await knockAt(stack, door, "/qlik/api/v1/spaces", { headers: open })).status).toBe(404);
    const asOurs = spoofed.map((line) => line.replace("evil.example", host));
    const ofHost = changed(
      bytesOf(stack, door, target, { headers: asOurs }),
      `Host: ${host}`,
      "Host: evil.example",
    );
    expect((await answerTo(stack, ofHost)).status).toBe(421);
    const origin = door === "upgrade" ? [] : [`Origin: ${stack.origin}`];
    const own = bytesOf(stack, door, target, { headers: [...origin, ...spoofed] });
    const ofOrigin = changed(own, `Origin: ${stack.origin}`, "Origin: https://evil.example");
    expect((await answerTo(stack, ofOrigin)).status).toBe(403);
    expect(upstream.seen).toEqual([]);
  });
});

/** Bytes with one line changed, which must be there. */
function changed(bytes: Buffer, line: string, other: string): Buffer {
  const text = bytes.toString("latin1");
  expect(text).toContain(`\r\n${line}\r\n`);
  return Buffer.from(text.replace(`\r\n${line}\r\n`, `\r\n${other}\r\n`), "latin1");
}

test("what a peer says of host and protocol does not get into a link", async () => {
  const ofPeer = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    forwarded: "host=evil.example",
  };
  for (const proxy of [{}, { publicOrigin: undefined as unknown as string }]) {
    const stack = await started.stack({ proxy });
    const answer = await stack.get("/api/v1/items?limit=1", { headers: ofPeer });
    expect([answer.status, answer.text]).toEqual([
      200,
      expect.stringContaining(`"${stack.origin}/qlik/api/v1/items`),
    ]);
    expect(answer.text + answer.rawHeaders.join()).not.toContain("evil");
  }
});

/** Headers that we set at the tenant, or believe of the browser. attacks H2 */
const ours = [
  "Cookie",
  "Authorization",
  "Qlik-CSRF-Token",
  "Qlik-Web-Integration-Id",
  "X-Forwarded-For",
  "X-Test-User",
  "Content-Length",
  "Transfer-Encoding",
  "Sec-Fetch-Site",
  "Sec-WebSocket-Protocol",
  "X-HTTP-Method-Override",
] as const;

/** Spellings that a server behind us may take for the same header. */
const aliasesOf = (name: string): readonly string[] => [
  name.replaceAll("-", "_"),
  name.replace("-", "_").toUpperCase(),
  name.replaceAll("-", "."),
  `${name}_`,
];

// attacks H2
describe.each(doors)("on an incoming %s", (door) => {
  test.each(ours)("no alias of %s reaches the tenant, and none is a reason to refuse", async (name) => {
    const aliases = aliasesOf(name).filter((alias) => alias.toLowerCase() !== name.toLowerCase());
    const request = await arriving(
      door,
      aliases.map((alias) => `${alias}: canary`),
    );
    expect(JSON.stringify(request)).not.toContain("canary");
    expect(namesOf(request).filter((each) => !/^[a-z0-9-]+$/.test(each))).toEqual([]);
  });

  test.each(["Cookie", "Authorization", "Qlik-CSRF-Token", "X-Forwarded-For", "X-HTTP-Method-Override"])(
    "%s is the same in whatever case",
    async (name) => {
      const cases = [name.toUpperCase(), name.toLowerCase(), Array.from(name, alternate).join("")];
      const request = await arriving(
        door,
        cases.map((each) => `${each}: canary`),
      );
      expect(JSON.stringify(request)).not.toContain("canary");
    },
  );

  test("an alias of the identity's header names nobody", async () => {
    const { stack, upstream } = await started.raw(answerBoth);
    for (const alias of ["X_Test_User", "X-Test_User", "X.Test.User", "X-Test-User_"]) {
      const bytes = bytesOf(stack, door, `/qlik${openPath(door)}`);
      expect((await answerTo(stack, changed(bytes, "x-test-user: ann", `${alias}: ann`))).status).toBe(401);
    }
    expect(upstream.seen).toEqual([]);
  });
});

const alternate = (letter: string, index: number): string =>
  index % 2 === 0 ? letter.toLowerCase() : letter.toUpperCase();

// attacks H3
describe.each(doors)("the Connection header of an incoming %s", (door) => {
  test("takes away nothing that we add, and whatever else it names", async () => {
    const names = [
      "cookie",
      "authorization",
      "x-qlik-xrfkey",
      "qlik-csrf-token",
      "x-proxy-secret",
      "host",
      "x-mine",
      "sec-websocket-key",
      "accept",
    ];
    const headers = [`Connection: ${names.join(", ")}`, "X-Mine: canary", "Accept: canary", "X-Other: kept"];
    const request = await arriving(door, headers);
    for (const [name, value] of shownByUs) expect([name, request.header(name)]).toEqual([name, value]);
    expect(request.header("host")).toMatch(/^tenant\.localhost:/);
    expect(request.header("x-other")).toBe("kept");
    expect(JSON.stringify(request)).not.toContain("canary");
    expect(request.header("connection")).toBe(door === "upgrade" ? "Upgrade" : "keep-alive");
    const isUpgrade = door === "upgrade";
    expect(request.header("sec-websocket-key")).toBe(isUpgrade ? "dGhlIHNhbXBsZSBub25jZQ==" : undefined);
    expect(request.path).toBe(withToken(door, openPath(door)));
  });
});

// attacks H4
describe("credentials of the browser", () => {
  const canaries = [
    "Cookie: host.sid=canary; eas.sid=canary; _csrfToken=canary; X-Qlik-Session-jwt=canary",
    "Cookie: second=canary",
    "Cookie2: canary",
    "Authorization: Bearer canary",
    "Proxy-Authorization: Basic canary",
    "X-Qlik-XrfKey: canary0123456789",
    "X-Qlik-User: UserDirectory=canary; UserId=canary",
    "X-Qlik-Session: canary",
    "Qlik-CSRF-Token: canary",
    "Qlik-Web-Integration-Id: canary",
    "Qlik-Anything: canary",
  ];
  test.each(doors)("on an incoming %s are not sent on, nor beside ours", async (door) => {
    const request = await arriving(door, canaries);
    const shown = request.headers.filter(([name]) => /cookie|authorization|qlik/.test(name));
    const key = request.header("x-qlik-xrfkey");
    const wanted = [...shownByUs, ...(key === undefined ? [] : [["x-qlik-xrfkey", key] as const])];
    expect(new Map(shown)).toEqual(new Map(wanted));
    expect(shown).toHaveLength(wanted.length);
    expect(JSON.stringify(request)).not.toContain("canary");
  });

  test("are not sent on with a file, which needs none", async () => {
    const request = await arriving("request", canaries, "/resources/a.js");
    expect(JSON.stringify(request)).not.toMatch(/canary|raw-session|raw-token/);
  });

  test("in the query of an upgrade are replaced", async () => {
    const spelt = wire.parameters.map(
      (name) => `${name}=canary&%${name.charCodeAt(0).toString(16)}${name.slice(1)}=canary`,
    );
    const request = await arriving("upgrade", [], `/app/a?${spelt.join("&")}&x=1&qlik%2dcsrf-token=canary`);
    expect(request.path).toBe(withToken("upgrade", "/app/a?x=1"));
  });
});
