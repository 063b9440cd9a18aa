import { describe, expect, test } from "vitest";
import { wire } from "../support/kind-on-the-wire.ts";
import { observeProcess } from "../support/observed-process.ts";
import { rawSession, rawToken } from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import {
  acceptedUpgrade,
  answerBoth,
  doors,
  forwarded,
  knockAt,
  openPath,
  through,
  type Door,
} from "./doors.ts";

const started = cleanedUp();

/** A tenant whose answers have these headers, on both doors. */
const answering = (lines: readonly string[]): Promise<RawStack> =>
  started.raw((request, socket) => {
    const more = lines.map((line) => `${line}\r\n`).join("");
    if (request.header("upgrade") !== undefined)
      socket.write(`${acceptedUpgrade(request)}${more}\r\n`, "latin1");
    else socket.write(`HTTP/1.1 200 OK\r\n${more}Content-Length: 2\r\n\r\nok`, "latin1");
  });

const cookieSentBy = async (
  { stack, upstream }: RawStack,
  door: Door,
  path: string,
): Promise<readonly string[]> => {
  await knockAt(stack, door, `/qlik${path}`);
  return forwarded(upstream.seen).at(-1)?.header("cookie")?.split("; ") ?? [];
};

// attacks H7
describe.each(doors)("cookies that the tenant sets with its answer to an incoming %s", (door) => {
  const ofLogin = wire
    .shownBy(rawSession, rawToken)
    .flatMap(([name, value]) => (name === "cookie" ? value.split("; ") : []));
  const set = [
    "date=1; Path=/; Expires=Wed, 31 Jul 2097 10:00:00 GMT; HttpOnly",
    "__Host-host=2; Secure; Path=/",
    "__Secure-secure=3; Secure",
    "parent=4; Domain=.localhost; Path=/",
    'bytes=%2C"5,;6"=; Path=/',
    "gone=7; Path=/; Max-Age=0",
    "past=8; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "foreign=9; Domain=.qlikcloud.com",
    "__Host-open=10; Path=/",
    "narrow=11; Path=/elsewhere",
    "novalue",
    "=; ;;",
    ...Array.from({ length: 20 }, (_each, index) => `many${index}=${index}; Path=/`),
  ].map((cookie) => `Set-Cookie: ${cookie}`);

  test("are read as a browser reads them, sent back to it, and never sent on", async () => {
    const both = await answering(set);
    const answer = await knockAt(both.stack, door, `/qlik${openPath(door)}`);
    expect(answer.status).toBe(through(door));
    expect(answer.head).not.toMatch(/set-cookie|many\d|__Host/i);
    const kept = ["date=1", "__Host-host=2", "__Secure-secure=3", "parent=4", 'bytes=%2C"5,'];
    const many = Array.from({ length: 20 }, (_each, index) => `many${index}=${index}`);
    expect((await cookieSentBy(both, door, openPath(door))).toSorted()).toEqual(
      [...ofLogin, ...kept, ...many].toSorted(),
    );
  });

  test("are taken out of the jar where it takes them back", async () => {
    const both = await answering([
      "Set-Cookie: a=1; Path=/",
      "Set-Cookie: b=2; Path=/",
      "Set-Cookie: c=3; Path=/",
    ]);
    await knockAt(both.stack, door, `/qlik${openPath(door)}`);
    expect(await cookieSentBy(both, door, openPath(door))).toEqual([...ofLogin, "a=1", "b=2", "c=3"]);
    both.upstream.handle((_request, socket) => {
      const back = ["a=; Path=/; Max-Age=0", "b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
      socket.write(`HTTP/1.1 200 OK\r\n${back.map((each) => `Set-Cookie: ${each}\r\n`).join("")}`);
      socket.write("Content-Length: 0\r\n\r\n");
    });
    await knockAt(both.stack, "request", "/qlik/api/v1/echo/a");
    both.upstream.handle(answerBoth);
    expect(await cookieSentBy(both, door, openPath(door))).toEqual([...ofLogin, "c=3"]);
  });
});

/** What nobody should send, and what nobody can send on. attacks H8 */
const oddHeads: readonly (readonly [string, readonly string[]])[] = [
  ["a control byte in a value", ["X-Odd: a\u0001b"]],
  ["an escape in a value", ["X-Odd: a\u001b[31mb"]],
  ["DEL in a value", ["X-Odd: a\u007fb"]],
  ["NUL in a value", ["X-Odd: a\0b"]],
  ["a bare CR in a value", ["X-Odd: a\rSet-Cookie: canary=1"]],
  ["a folded line", ["X-Odd: a", " Set-Cookie: canary=1"]],
  ["a space in a name", ["X Odd: 1"]],
  ["bytes beyond ASCII in a name", ["X-\u00e9: 1"]],
  ["no name", [": 1"]],
  ["no colon", ["X-Odd"]],
  ["bytes beyond ASCII in a value", ["X-Odd: \u00e9\u00ff"]],
  ["the same header many times", Array.from({ length: 60 }, () => "X-Odd: 1")],
  ["two types", ["Content-Type: text/plain", "Content-Type: text/html"]],
  ["two locations", ["Location: /a", "Location: https://evil.example/"]],
  ["two dates and two tags", ["Date: 1", "Date: 2", 'ETag: "1"', 'ETag: "2"']],
  ["two lists of what varies", ["Vary: *", "Vary: Accept\u00e9"]],
  ["a type that is none", ["Content-Type: \u00e9;;=,"]],
  ["the names of object members", ["__proto__: 1", "constructor: 2", "toString: 3"]],
];

// attacks H8
test.each(oddHeads)(
  "%s in an answer of the tenant ends no process, and nothing of it gets out",
  async (_name, lines) => {
    const observed = observeProcess();
    started.keep({ close: () => observed.stop() });
    const both = await answering(lines);
    for (const door of doors) {
      const answer = await knockAt(both.stack, door, `/qlik${openPath(door)}`);
      expect([through(door), 502]).toContain(answer.status);
      const head = answer.head.replaceAll("\r\n", "").replaceAll("\t", " ");
      expect([
        head.match(/\p{Cc}/gu)?.filter((each) => each < "\u0080") ?? [],
        head.includes("canary"),
      ]).toEqual([[], false]);
    }
    both.upstream.handle(answerBoth);
    for (const door of doors) {
      expect((await knockAt(both.stack, door, `/qlik${openPath(door)}`)).status).toBe(through(door));
    }
    expect(observed.uncaught).toEqual([]);
  },
);

/** They would act on the app's origin, or tell of what stands behind it. attacks H9, H10 */
const harmful = [
  'Clear-Site-Data: "*"',
  "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload",
  'Public-Key-Pins: pin-sha256="canary"; max-age=1',
  "Service-Worker-Allowed: /",
  "Access-Control-Allow-Origin: *",
  "Access-Control-Allow-Credentials: true",
  "Access-Control-Allow-Headers: canary",
  "Access-Control-Max-Age: 86400",
  'NEL: {"report_to":"canary"}',
  'Report-To: {"group":"canary"}',
  'Reporting-Endpoints: canary="https://canary.example"',
  'Alt-Svc: h3="canary.example:443"',
  "Link: <https://canary.example/a.js>; rel=preload; as=script",
  "Link: <https://canary.example>; rel=preconnect",
  "Server: canary/1.2.3",
  "Via: 1.1 canary",
  "X-Powered-By: canary/4",
  "X-AspNet-Version: 4.0",
  "X-Runtime: 0.1",
  "Server-Timing: canary;dur=1",
  "X-Envoy-Upstream-Service-Time: 1",
  "X-Amz-Cf-Id: canary",
  "Proxy-Status: canary",
] as const;

const names = new Set(harmful.map((line) => line.slice(0, line.indexOf(":")).toLowerCase()));
const namesIn = (head: string): readonly string[] =>
  head.split("\r\n").flatMap((line) => {
    const name = line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
    return names.has(name) ? [name] : [];
  });

// attacks H9, H10
describe("headers of the tenant that would act on our origin, or tell of what is behind it, stay behind", () => {
  test("with an answer and with an open socket", async () => {
    const { stack } = await answering(harmful);
    const answer = await knockAt(stack, "request", "/qlik/api/v1/echo/a");
    expect([answer.status, namesIn(answer.head)]).toEqual([200, ["server-timing"]]);
    const socket = await knockAt(stack, "upgrade", "/qlik/app/a");
    expect([socket.status, namesIn(socket.head)]).toEqual([101, []]);
    expect(answer.head + socket.head).not.toContain("canary");
  });

  test("with a refused upgrade, and with a redirect", async () => {
    const { stack, upstream } = await answering([]);
    for (const status of ["302 Found", "404 Not Found", "426 Upgrade Required", "500 Oh", "200 OK"]) {
      upstream.handle((_request, socket) => {
        socket.write(`HTTP/1.1 ${status}\r\n${harmful.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`);
      });
      const answer = await knockAt(stack, "upgrade", "/qlik/app/a");
      expect([answer.status, namesIn(answer.head)]).toEqual([Number(status.slice(0, 3)), []]);
    }
  });
});

// attacks H10
test("our own answers tell neither of a server nor of a version, on both doors", async () => {
  const { stack } = await answering([]);
  for (const door of doors) {
    for (const target of ["/qlik/shut", "/qlik/%2e%2e/a", "/elsewhere"]) {
      const { status, head } = await knockAt(stack, door, target);
      expect([400, 404]).toContain(status);
      expect(head).not.toMatch(/^(server|x-powered-by|via|x-[a-z-]*version):/im);
      expect(head).not.toMatch(/node|undici|\d+\.\d+\.\d+/i);
    }
  }
});
