import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { observeProcess, type ObservedProcess } from "../support/observed-process.ts";
import { handshake, shakeHands, switching, type HandshakeChange } from "../support/raw-handshake.ts";
import { connectTo } from "../support/raw-connection.ts";
import { answerOk, type RawHandler } from "../support/raw-upstream.ts";
import type { StackOptions } from "../support/stack.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

/* What a WebSocket handshake may not get past the door with; the tenant must not even be dialled for it. */

const started = cleanedUp();

/** Of the same site as a browser sees it: below our own host. */
const sibling = "http://app.portal.localhost:4000";

const opening: RawHandler = (request, socket) =>
  request.header("upgrade") === undefined ? answerOk(request, socket) : void socket.write(switching());

interface Door extends RawStack {
  /** Connections that the tenant was asked for. */
  readonly dials: () => number;
}

async function openDoor(proxy: StackOptions["proxy"] = {}): Promise<Door> {
  const both = await started.raw(opening, { proxy });
  let dials = 0;
  both.upstream.onConnection(() => (dials += 1));
  // Sockets that the test has left are gone before the proxy is closed, which would wait for them.
  started.keep({ close: () => eventually(() => expect(both.stack.proxy.stats().sockets).toBe(0)) });
  return { ...both, dials: () => dials };
}

const observe = (): ObservedProcess => {
  const observed = observeProcess();
  started.keep({ close: () => observed.stop() });
  return observed;
};

/** OURS stands for our own origin, PORT for its port. */
const filled = (text: string, origin: string): string =>
  text.replaceAll("OURS", origin).replaceAll("PORT", new URL(origin).port);

describe("an upgrade from elsewhere (attacks W1, W2)", () => {
  test("by somebody who is signed in is 403, told to the operator, and never dialled", async () => {
    const observed = observe();
    const signedIn = { cookie: "portal=ann", "x-test-user": null };
    const { stack, dials } = await openDoor({
      identify: ({ headers }) => (headers.cookie === "portal=ann" ? { subject: "ann" } : null),
    });
    const evil = { headers: { ...signedIn, origin: "https://evil.example" } };
    const { status, text, closed } = await shakeHands(stack.origin, evil);
    expect([status, closed, dials()]).toEqual([403, true, 0]);
    const traceId = /"traceId":"([0-9a-f]{32})"/.exec(text)?.[1];
    const event = observed.events.find((each) => each.includes("socket.refused"));
    expect(JSON.parse(event ?? "{}")).toMatchObject({ status: 403, code: "QSP-CROSS-SITE", traceId });
    // The credential is good: from our own page it opens.
    expect((await shakeHands(stack.origin, { headers: signedIn })).status).toBe(101);
  });

  test.each<[string, string | readonly string[], number]>([
    ["null", "null", 403],
    ["none", [], 403],
    ["an empty one", "", 400],
    ["a name that begins with ours", "http://portal.localhost.evil.tld", 403],
    ["ours, and another port behind a name", "http://portal.localhost.evil.tld:PORT", 403],
    ["a name that ends with ours", "http://evilportal.localhost:PORT", 403],
    ["a sibling that is not listed", "http://other.portal.localhost:4000", 403],
    ["the name above ours", "http://localhost:PORT", 403],
    ["upper case", "http://PORTAL.localhost:PORT", 400],
    ["an upper-case scheme", "HTTP://portal.localhost:PORT", 400],
    ["another port", "http://portal.localhost:1", 403],
    ["no port", "http://portal.localhost", 403],
    ["a default port, spelled out", "http://portal.localhost:80", 400],
    ["a trailing slash", "OURS/", 400],
    ["a trailing dot", "http://portal.localhost.:PORT", 403],
    ["a path", "OURS/qlik", 400],
    ["another scheme", "https://portal.localhost:PORT", 403],
    ["a WebSocket's scheme", "ws://portal.localhost:PORT", 400],
    ["a user name", "http://portal.localhost@evil.tld", 400],
    ["a list with ours in it", "OURS, https://evil.example", 400],
    ["ours twice", ["OURS", "OURS"], 400],
    ["ours and another one", ["OURS", "https://evil.example"], 400],
  ])("the Origin %s is refused, with whatever the browser says of the site", async (_name, given, status) => {
    const { stack, dials } = await openDoor({ allowedOrigins: [sibling] });
    const origin = [given].flat().map((each) => filled(each, stack.origin));
    for (const site of [null, "same-origin", "same-site", "cross-site"]) {
      const answer = await shakeHands(stack.origin, { headers: { origin, "sec-fetch-site": site } });
      expect([site, answer.status, answer.closed]).toEqual([site, status, true]);
    }
    expect(dials()).toBe(0);
  });

  test("exactly our origin passes, and exactly one that is listed", async () => {
    const { stack } = await openDoor({ allowedOrigins: [sibling] });
    for (const origin of [stack.origin, sibling]) {
      expect((await shakeHands(stack.origin, { headers: { origin } })).status).toBe(101);
    }
  });

  test("allowMissingOrigin lets in clients that send none, and no foreign page", async () => {
    const { stack } = await openDoor({ allowMissingOrigin: true });
    const statusOf = async (origin: string | null): Promise<number> =>
      (await shakeHands(stack.origin, { headers: { origin } })).status;
    expect(await statusOf(null)).toBe(101);
    expect([await statusOf("null"), await statusOf("https://evil.example")]).toEqual([403, 403]);
  });
});

describe("an upgrade by nobody (attacks W3)", () => {
  /** A host session in a cookie: `ann.good` is signed, everything else is not. */
  const byCookie = (cookie: string | undefined) =>
    cookie === "sid=ann.good" ? { subject: "ann" } : cookie === "sid=ann.old" ? lapsed() : null;
  const lapsed = () => ({ subject: "ann", expiresAt: Date.now() - 1 });

  test.each([
    ["without a cookie", null],
    ["with a cookie that has lapsed", "sid=ann.old"],
    ["with a forged cookie", "sid=ann.forged"],
    ["with cookies of the tenant that are forged", "eas.sid=raw-session; eas.sid.sig=raw-signature"],
  ])("%s is 401, and the tenant is not dialled", async (_name, cookie) => {
    const { stack, dials } = await openDoor({ identify: ({ headers }) => byCookie(headers.cookie) });
    const { status, text, closed } = await shakeHands(stack.origin, { headers: { cookie } });
    expect([status, closed, dials()]).toEqual([401, true, 0]);
    expect(text).toContain("QSP-UNAUTHENTICATED");
    expect((await shakeHands(stack.origin, { headers: { cookie: "sid=ann.good" } })).status).toBe(101);
  });
});

describe("an upgrade to another place (attacks W6)", () => {
  test.each<[string, HandshakeChange, readonly number[]]>([
    ["an absolute target of a machine inside", { target: "http://169.254.169.254/qlik/app/x" }, [400, 404]],
    ["an absolute target of ours", { target: "OURS/qlik/app/x" }, [400, 404]],
    ["a WebSocket address as target", { target: "ws://169.254.169.254/qlik/app/x" }, [400, 404]],
    ["a target that begins with a host", { target: "//169.254.169.254/qlik/app/x" }, [400, 404]],
    ["a target that begins with our prefix as a host", { target: "//qlik/app/x" }, [400, 404]],
    ["a host behind the prefix", { target: "/qlik//169.254.169.254/app/x" }, [400]],
    ["a user and a host in the path", { target: "/qlik@169.254.169.254/app/x" }, [404]],
    ["a target that is only a host", { target: "169.254.169.254:80" }, [400, 404]],
    ["the host of a machine inside", { headers: { host: "169.254.169.254" } }, [421]],
    ["another host", { headers: { host: "evil.example" } }, [421]],
    ["two hosts", { headers: { host: ["portal.localhost:PORT", "evil.example"] } }, [400]],
    ["no host", { headers: { host: null } }, [400]],
    ["a route that is no socket", { target: "/qlik/api/v1/items" }, [404]],
    ["a file", { target: "/qlik/resources/a.js" }, [404]],
    ["a route of ours", { target: "/qlik/_session" }, [404]],
    ["the tenant's own way out", { target: "/qlik/logout" }, [404]],
    ["a socket that is not on the list", { target: "/qlik/api/v1/events" }, [404]],
    ["a path out of the list", { target: "/qlik/app/../api/v1/events" }, [400]],
    ["a path out of the list, encoded", { target: "/qlik/app/%2e%2e/api/v1/events" }, [400]],
    ["a look-alike of the prefix", { target: "/qlikevil/app/x" }, [404]],
    ["another protocol", { headers: { upgrade: "h2c" } }, [400]],
  ])("%s is refused, and nobody is dialled", async (_name, { target, headers = {} }, statuses) => {
    const { stack, dials } = await openDoor();
    const change = filled(JSON.stringify({ headers, ...(target ? { target } : {}) }), stack.origin);
    const answer = await shakeHands(stack.origin, JSON.parse(change) as HandshakeChange);
    expect(statuses).toContain(answer.status);
    expect([answer.closed, dials()]).toEqual([true, 0]);
  });

  test("whatever a handshake names as a host, the tenant alone is asked, by its own name", async () => {
    const { stack, upstream } = await openDoor();
    const names = ["x-forwarded-host", "x-forwarded-server", "forwarded", "x-original-url", "x-host"];
    const headers = Object.fromEntries(names.map((name) => [name, "169.254.169.254"]));
    const target = "/qlik/app/x?host=169.254.169.254&reloadUri=http%3A%2F%2F169.254.169.254%2F";
    expect((await shakeHands(stack.origin, { target, headers })).status).toBe(101);
    const seen = upstream.seen.at(-1);
    expect(seen?.header("host")).toBe(new URL(upstream.origin).host);
    expect(seen?.path).toMatch(/^\/app\/x\?host=169\.254\.169\.254&reloadUri=/);
    const kept = seen?.headers.filter(([, value]) => value.includes("169.254"));
    expect(kept).toEqual([]);
  });
});

describe("bytes behind the handshake (attacks W7)", () => {
  const smuggled =
    "GET /qlik/_session HTTP/1.1\r\nHost: portal.localhost\r\nSec-Fetch-Site: same-origin\r\nx-test-user: bob\r\n\r\n";

  test("are no request of their own where it is refused", async () => {
    const { stack, dials } = await openDoor();
    const evil = { headers: { origin: "https://evil.example" }, behind: smuggled };
    const { status, text, closed } = await shakeHands(stack.origin, evil);
    expect([status, closed, dials()]).toEqual([403, true, 0]);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).not.toContain("authenticated");
  });

  test("are no request where it is accepted either: what is no frame ends the socket", async () => {
    const { stack, upstream } = await openDoor();
    const connection = await connectTo(stack.origin);
    connection.write(handshake(stack.origin, { behind: smuggled }));
    await connection.closed;
    expect(connection.received.match(/HTTP\/1\.1/g) ?? []).not.toHaveLength(2);
    expect(connection.received).not.toContain("authenticated");
    expect(upstream.seen.map(({ path }) => path)).not.toContain("/_session");
    await expect.poll(() => stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0 });
  });

  test("reach the tenant behind its 101, byte for byte, though they look like a request", async () => {
    const { stack, upstream } = await openDoor();
    // A text frame, masked with zeros.
    const frame = Buffer.concat([
      Buffer.from([0x81, 0xfe, 0, smuggled.length, 0, 0, 0, 0]),
      Buffer.from(smuggled),
    ]);
    let taken = "";
    let before = "";
    upstream.handle((_request, socket) => {
      socket.on("data", (chunk: Buffer) => (taken += chunk.toString("latin1")));
      setTimeout(() => {
        before = taken;
        socket.write(switching());
      }, 50);
    });
    const connection = await connectTo(stack.origin);
    started.keep({ close: () => connection.socket.destroy() });
    connection.write(handshake(stack.origin));
    connection.write(frame);
    await expect.poll(() => taken).toBe(frame.toString("latin1"));
    expect(before).toBe("");
    expect(connection.received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe("a handshake that is none (attacks W10)", () => {
  test.each<[string, HandshakeChange["headers"] & object, number]>([
    ["two keys", { "sec-websocket-key": ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA=="] }, 400],
    ["the same key twice", { "sec-websocket-key": Array(2).fill("dGhlIHNhbXBsZSBub25jZQ==") }, 400],
    ["no key", { "sec-websocket-key": null }, 400],
    ["a short key", { "sec-websocket-key": "AAAA" }, 400],
    ["an old version", { "sec-websocket-version": "8" }, 426],
    ["no version", { "sec-websocket-version": null }, 426],
    ["versions in a list", { "sec-websocket-version": "13, 8" }, 426],
    ["two versions", { "sec-websocket-version": ["13", "13"] }, 400],
    ["a body", { "content-length": "5" }, 400],
  ])("with %s is refused before anybody is dialled", async (_name, headers, status) => {
    const { stack, dials } = await openDoor();
    const answer = await shakeHands(stack.origin, { headers });
    expect([answer.status, answer.closed, dials()]).toEqual([status, true, 0]);
    expect(/^sec-websocket-version: (.*)\r$/im.exec(answer.text)?.[1]).toBe(
      status === 426 ? "13" : undefined,
    );
  });
});
