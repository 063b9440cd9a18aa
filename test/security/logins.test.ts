import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { observeProcess } from "../support/observed-process.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { bytesOf, type RawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { answerBoth, doors, knockAt, openPath, through } from "./doors.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { tenantKind } from "../support/tenant-kind.ts";

const started = cleanedUp();

const loginsAt = ({ seen }: RawUpstream): number => seen.filter((each) => wire.login(each) !== null).length;

/** An answer to a login. */
const say =
  (status: string, headers: readonly string[] = [], body = "") =>
  (socket: Socket): void => {
    const lines = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${body.length}`];
    socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  };

const error = (code: string): string => JSON.stringify({ errors: [{ code, title: "x", status: "401" }] });
const signIn = (socket: Socket): void => void socket.write(bytesOf(wire.signedIn("good", "token")));
const html = ["Content-Type: text/html"];
const large = "x".repeat(5 * 1024 * 1024);
const elsewhere = ["Location: https://idp.example/authorize"];

/** A token endpoint that knows no such user may say so; a page that is not there is no word of a tenant. facts §11 */
const notFound: readonly [number, string] =
  tenantKind === "qlik-cloud-oauth" ? [403, "QSP-USER-REFUSED"] : [502, "QSP-TENANT-REFUSED"];

/** What a login can be answered with, and what becomes of it. attacks U6 */
const answers: readonly (readonly [string, (socket: Socket) => void, number, string])[] = [
  ["200 without a cookie", say("200 OK"), 502, "QSP-TENANT-REFUSED"],
  ["200 with a page", say("200 OK", html, "<h1>Sign in</h1>"), 502, "QSP-TENANT-REFUSED"],
  ["200 with five megabytes", say("200 OK", [], large), 502, "QSP-TENANT-REFUSED"],
  ["302 to elsewhere", say("302 Found", elsewhere), 502, "QSP-TENANT-REFUSED"],
  ["400", say("400 Bad Request", [], error("AUTH-1")), 502, "QSP-TENANT-REFUSED"],
  ["401", say("401 Unauthorized", [], error("AUTH-2")), 502, "QSP-TENANT-REFUSED"],
  ["403 for this user", say("403 Forbidden", [], error("LICENSES-011")), 403, "QSP-USER-REFUSED"],
  ["404", say("404 Not Found"), ...notFound],
  ["429 with a time", say("429 Slow Down", ["Retry-After: 7"]), 503, "QSP-TENANT-THROTTLED"],
  ["429 with five megabytes", say("429 Slow Down", [], large), 503, "QSP-TENANT-THROTTLED"],
  ["500", say("500 Oh"), 502, "QSP-UPSTREAM"],
];

// attacks U6
describe.each(doors)("a login for an incoming %s", (door) => {
  test.each(answers)(
    "that is answered with %s fails in our own words, and is not tried by the next one",
    async (_name, answer, status, code) => {
      const { stack, upstream } = await started.raw(answerBoth);
      upstream.login(answer);
      const target = `/qlik${openPath(door)}`;
      const first = await knockAt(stack, door, target);
      expect([first.status, first.body]).toEqual([status, expect.stringContaining(code)]);
      expect(first.head).not.toMatch(/set-cookie|location|idp\.example/i);
      // Where the tenant breaks down, and says nothing of the user, it is asked once more.
      const asked = status === 502 && code === "QSP-UPSTREAM" ? 2 : 1;
      expect(loginsAt(upstream)).toBe(asked);
      const next = await knockAt(stack, door, target);
      expect([next.status, loginsAt(upstream)]).toEqual([status, asked]);
      const wait = Number(/^retry-after: (\d+)/im.exec(next.head)?.[1]);
      expect(wait).toBeGreaterThan(0);
      expect(wait === 6 || wait === 7 || answer !== answers[8]?.[1]).toBe(true);
      expect(upstream.seen.filter(({ path }) => path.startsWith(openPath(door)))).toEqual([]);
    },
  );
});

/** What a tenant says that does not know our key. */
const badKey = say("401 Unauthorized", [], error("AUTH-2"));

// attacks U6
describe("a key that the tenant does not take", () => {
  // Three refusals in a row are taken for the key's fault, not the users'.
  test("makes three logins of the requests and upgrades of many users, one after the other", async () => {
    const observed = observeProcess();
    started.keep({ close: () => observed.stop() });
    const { stack, upstream } = await started.raw(answerBoth, { clock: createManualClock() });
    upstream.login(badKey);
    for (let user = 0; user < 50; user += 1) {
      expect((await stack.get("/api/v1/echo/a", { user: `user-${user}` })).status).toBe(502);
      const { status } = await stack.socket("/app/a", { user: `user-${user}` }).refused;
      expect(status).toBe(502);
    }
    expect(loginsAt(upstream)).toBe(3);
    expect(observed.events.filter((event) => event.includes('"login.refused"'))).toHaveLength(3);
  });

  test("is tried ever more seldom, and works as soon as the tenant takes it", async () => {
    const clock = createManualClock();
    const { stack, upstream } = await started.raw(answerBoth, { clock });
    upstream.login(badKey);
    const triedAt: number[] = [];
    for (let second = 0; second < 200; second += 1) {
      const before = loginsAt(upstream);
      expect((await stack.get("/api/v1/echo/a", { user: `user-${second}` })).status).toBe(502);
      if (loginsAt(upstream) > before) triedAt.push(second);
      clock.advance(1000);
    }
    // After the third, waits of 1, 2, 4 … up to 60 seconds.
    expect(triedAt).toEqual([0, 1, 2, 3, 5, 9, 17, 33, 65, 125, 185]);
    upstream.login((socket) => signIn(socket));
    clock.advance(60_000);
    for (const door of doors) {
      expect((await knockAt(stack, door, `/qlik${openPath(door)}`)).status).toBe(through(door));
    }
  });

  test("is no more than so many logins at once, however many come together", async () => {
    const { stack, upstream } = await started.raw(answerBoth, {
      proxy: { limits: { loginsPerMinute: 5 } },
    });
    upstream.login(badKey);
    const users = Array.from({ length: 60 }, (_each, index) => `user-${index}`);
    const all = await Promise.all(users.map((user) => stack.get("/api/v1/echo/a", { user })));
    expect(all.map(({ status }) => status >= 500)).not.toContain(false);
    expect(loginsAt(upstream)).toBeLessThanOrEqual(5);
  });
});
