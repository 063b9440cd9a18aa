import { describe, expect, test } from "vitest";
import { createServerLog } from "../../src/server/log.ts";
import { eventually } from "../support/assertions.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { observeProcess } from "../support/observed-process.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { shakeHands, switching } from "../support/raw-handshake.ts";
import {
  answerOk,
  rawSession,
  rawToken,
  type RawHandler,
  type SeenRequest,
} from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

/* What a tenant may answer to a handshake, and what of it gets to the browser. */

const started = cleanedUp();

const isUpgrade = (request: SeenRequest): boolean => request.header("upgrade") !== undefined;

/** A proxy whose tenant answers handshakes in this way, and everything else with 200. */
async function startAnswering(answer: RawHandler): Promise<RawStack> {
  const clock = createManualClock();
  const both = await started.raw(
    (request, socket) => (isUpgrade(request) ? answer : answerOk)(request, socket),
    {
      clock,
    },
  );
  started.keep({ close: () => eventually(() => expect(both.stack.proxy.stats().sockets).toBe(0)) });
  await both.stack.get("/api/v1/items/1");
  // Rights of a fresh user may not have spread yet, so a first 403 is asked about again; this user is not fresh.
  clock.advance(31_000);
  return both;
}

const ours = wire.shownBy(rawSession, rawToken);
const upgradesOf = ({ upstream }: RawStack): readonly SeenRequest[] => upstream.seen.filter(isUpgrade);
const loginsOf = ({ upstream }: RawStack): number =>
  upstream.seen.filter((request) => wire.login(request) !== null).length;

/** What would act on our origin, or tell of the tenant. */
const harmful = [
  "Set-Cookie: eas.canary=1; Path=/",
  "Set-Cookie: leak=canary; Domain=.example.com; Path=/",
  "WWW-Authenticate: Basic realm=canary",
  "Access-Control-Allow-Origin: *",
  "Strict-Transport-Security: max-age=1",
  'Clear-Site-Data: "*"',
  "Server: canary",
  "X-Canary: 1",
  "Sec-WebSocket-Accept: canary",
];

const refusal = (status: string, ...headers: readonly string[]): string =>
  `${[`HTTP/1.1 ${status}`, ...harmful, ...headers, "Content-Type: text/plain", "Content-Length: 5"].join("\r\n")}\r\n\r\nwords`;

const passed = [
  "cache-control",
  "connection",
  "content-length",
  "content-security-policy",
  "content-type",
  "retry-after",
  "x-content-type-options",
];

describe("a handshake that the tenant refuses (attacks W8)", () => {
  test.each<[string, number, readonly string[]]>([
    ["200 OK", 200, []],
    ["302 Found", 302, ["Location: /canary"]],
    ["403 Forbidden", 403, []],
    ["404 Not Found", 404, []],
    ["500 Internal Server Error", 500, []],
    ["503 Service Unavailable", 503, ["Retry-After: 7"]],
  ])(
    "with %s is refused with the same status, its words, and nothing else of it",
    async (line, status, more) => {
      const both = await startAnswering((_request, socket) => void socket.write(refusal(line, ...more)));
      const answer = await shakeHands(both.stack.origin);
      expect([answer.status, answer.closed]).toEqual([status, true]);
      const [head = "", body] = answer.text.split("\r\n\r\n");
      expect(body).toBe("words");
      const names = head
        .split("\r\n")
        .slice(1)
        .map((each) => each.slice(0, each.indexOf(":")).toLowerCase());
      expect(names.filter((name) => !passed.includes(name))).toEqual([]);
      expect(head).not.toMatch(/canary/i);
      await expect.poll(() => both.stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0 });
      // No bytes of a browser go where no socket is.
      expect(upgradesOf(both).length).toBeLessThanOrEqual(2);
      expect(loginsOf(both)).toBe(1);
    },
  );

  test.each([
    ["401 Unauthorized", 401, []],
    ["302 Found", 302, ["Location: /login?canary"]],
  ])("with %s as of a lost session is tried once more, after one login", async (line, status, more) => {
    const lost: RawHandler = (_request, socket) => void socket.write(refusal(line, ...more));
    const both = await startAnswering(lost);
    both.upstream.probe(lost);
    const answer = await shakeHands(both.stack.origin);
    expect([answer.status, answer.closed]).toEqual([status, true]);
    expect(answer.text).not.toMatch(/canary/i);
    expect([upgradesOf(both).length, loginsOf(both)]).toEqual([2, 2]);
  });

  test("a session that was lost is replaced before the browser hears of it", async () => {
    let isLost = true;
    const answer: RawHandler = (_request, socket) => {
      socket.write(isLost ? refusal("401 Unauthorized") : switching());
      isLost = false;
    };
    const both = await startAnswering(answer);
    both.upstream.probe((request, socket) =>
      isLost === false && loginsOf(both) === 1
        ? void socket.write(refusal("401 Unauthorized"))
        : answerOk(request, socket),
    );
    expect((await shakeHands(both.stack.origin)).status).toBe(101);
    expect([upgradesOf(both).length, loginsOf(both)]).toEqual([2, 2]);
  });
});

describe("a 101 of the tenant (attacks W9)", () => {
  test.each([
    ["the accept value of another key", switching().replace(/Accept: .*/, `Accept: ${"A".repeat(27)}=`)],
    ["no accept value", switching().replace(/Sec-WebSocket-Accept: .*\r\n/, "")],
    ["two accept values", switching("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
    ["a sub-protocol that nobody asked for", switching("Sec-WebSocket-Protocol: canary")],
    ["an extension that nobody asked for", switching("Sec-WebSocket-Extensions: permessage-deflate")],
    ["another protocol", switching().replace("Upgrade: websocket", "Upgrade: h2c")],
  ])("with %s is a failed handshake; its cookie stays here", async (_name, head) => {
    const cookie = "\r\nSet-Cookie: AWSALB=canary; Path=/\r\n\r\n";
    const both = await startAnswering(
      (_request, socket) => void socket.write(head.replace(/\r\n\r\n$/, cookie)),
    );
    const answer = await shakeHands(both.stack.origin);
    expect([answer.status, answer.closed]).toEqual([502, true]);
    expect(answer.text).not.toMatch(/canary|set-cookie/i);
    await expect.poll(() => both.stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0 });
  });

  test("that is right brings no cookie and no header of the tenant to the browser, and its cookie back to the tenant", async () => {
    const both = await startAnswering(
      (_request, socket) =>
        void socket.write(switching("Set-Cookie: AWSALB=canary; Path=/", "Server: canary", "X-Canary: 1")),
    );
    const { status, text } = await shakeHands(both.stack.origin);
    expect(status).toBe(101);
    expect(text).not.toMatch(/canary|set-cookie/i);
    await both.stack.get("/api/v1/items/1");
    expect(both.upstream.seen.at(-1)?.header("cookie")).toContain("AWSALB=canary");
    await both.stack.get("/api/v1/items/1", { user: "bob" });
    expect(both.upstream.seen.at(-1)?.header("cookie") ?? "").not.toContain("canary");
  });
});

/** An upgrade's target at the tenant, behind whose own parameters the token is. */
const withToken = (path: string): string =>
  wire.token.inUpgrades ? `${path}&qlik-csrf-token=${rawToken}` : path;

describe("the token in the address of a socket", () => {
  /** Repeats the address and what shows the session, as error pages do. */
  const echo = (request: SeenRequest, status: string): string => {
    const text = [request.line, ...ours.map(([name]) => `${name}: ${request.header(name)}`)].join("\n");
    return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  };

  test.each<[string, RawHandler]>([
    ["a refusal that repeats it", (request, socket) => socket.write(echo(request, "404 Not Found"))],
    ["a fault that repeats it", (request, socket) => socket.write(echo(request, "500 Oops"))],
    ["a lack of rights that repeats it", (request, socket) => socket.write(echo(request, "403 No"))],
    ["a 101 that does not fit", (_request, socket) => socket.write(switching("Sec-WebSocket-Protocol: x"))],
    ["a connection that is cut", (_request, socket) => socket.destroy()],
    ["no HTTP", (request, socket) => socket.write(`${request.line}\r\n\r\n`)],
    ["an opened socket", (_request, socket) => socket.write(switching())],
  ])("is in no answer, no event and no line of the log after %s (attacks W16)", async (_name, answer) => {
    const observed = observeProcess();
    let lines = "";
    const log = createServerLog({ write: (line) => void (lines += line) });
    started.keep({
      close: () => {
        observed.stop();
        log.close();
      },
    });
    const both = await startAnswering(answer);
    const target = "/qlik/app/some-app?qlik-csrf-token=of-the-client&a=1";
    const { text } = await shakeHands(both.stack.origin, { target });
    // The tenant was told it, or there would be nothing to hide.
    const told = upgradesOf(both).at(-1);
    expect(told?.path).toBe(withToken("/app/some-app?a=1"));
    expect(ours.map(([name]) => [name, told?.header(name)])).toEqual(ours);
    await eventually(() => expect(both.stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0 }));
    expect(lines).toMatch(/"event":"(socket|exchange)\./);
    for (const shown of [text, lines, observed.events.join("\n")]) {
      expect(shown).not.toMatch(/raw-token|raw-session|of-the-client/);
    }
    expect(observed.uncaught).toEqual([]);
  });

  const [first = "", second = "", third = ""] = wire.parameters;
  const escaped = (name: string): string =>
    `%${name.charCodeAt(0).toString(16)}${name.slice(1).replaceAll("-", "%2D")}`;
  test.each<[string, string]>([
    ["in front", `?${first}=canary&a=1`],
    ["behind", `?a=1&${first}=canary`],
    ["twice", `?${first}=canary&a=1&${first}=canary`],
    ["without a value", `?${first}&a=1`],
    ["in escapes", `?${escaped(first)}=canary&a=1&${escaped(second)}=canary`],
    [`with ${second}`, `?a=1&${second}=canary`],
    [`with ${third}`, `?${third}=canary&a=1`],
  ])(
    "is ours alone, whatever the browser sends %s, in the query or as a header (attacks W17)",
    async (_name, query) => {
      const both = await startAnswering((_request, socket) => void socket.write(switching()));
      const headers = {
        "Qlik-Csrf-Token": ["canary", "canary"],
        "QLIK-WEB-INTEGRATION-ID": "canary",
        qlik_csrf_token: "canary",
        cookie: "_csrfToken=canary; X-Qlik-Session-jwt=canary",
      };
      await shakeHands(both.stack.origin, { target: `/qlik/app/x${query}`, headers });
      const seen = upgradesOf(both).at(-1);
      expect(seen?.path).toBe(withToken("/app/x?a=1"));
      expect(JSON.stringify(seen)).not.toContain("canary");
      await both.stack.get(`/api/v1/echo/a${query}`, { method: "POST", headers });
      const posted = both.upstream.seen.at(-1);
      expect(posted?.path).toBe("/api/v1/echo/a?a=1");
      expect(JSON.stringify(posted)).not.toContain("canary");
      expect(posted?.headers.filter(([name]) => name === "qlik-csrf-token")).toEqual(
        wire.token.inRequests ? [["qlik-csrf-token", rawToken]] : [],
      );
    },
  );
});
