import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { bytesOf, type RawUpstream, type SeenRequest } from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import { tenantKind } from "../support/tenant-kind.ts";
import { wire } from "../support/kind-on-the-wire.ts";

const started = cleanedUp();
const me = "/api/v1/users/me";
const start = (login = 5000): Promise<RawStack> =>
  started.raw(undefined, { proxy: { timeouts: { login, connect: 300 } } });

const say = (status: string, ...headers: string[]): string =>
  `HTTP/1.1 ${[status, ...headers, "Content-Length: 0"].join("\r\n")}\r\n\r\n`;

/** Answers the logins one after the other, the last one to all that follow. */
function answerLogins(upstream: RawUpstream, ...answers: readonly ((socket: Socket) => void)[]): void {
  let count = 0;
  upstream.login((socket) => {
    answers[Math.min(count, answers.length - 1)]?.(socket);
    count += 1;
  });
}

const write = (text: string) => (socket: Socket) => void socket.write(text);
const well = write(bytesOf(wire.signedIn("well", "token")));
const reset = (socket: Socket): void => void socket.destroy();
const silence = (): void => {};

/** The logins that the tenant has seen. */
const logins = ({ seen }: RawUpstream): readonly SeenRequest[] =>
  seen.filter((each) => wire.login(each) !== null);

/** Where a login is signed, it is signed anew each time. */
function expectLogins(upstream: RawUpstream, count: number): void {
  expect(logins(upstream)).toHaveLength(count);
  const tokens = logins(upstream).flatMap((each) => each.header("authorization") ?? []);
  expect(tokens).toHaveLength(tenantKind === "qlik-cloud-oauth" ? 0 : count);
  expect(new Set(tokens).size).toBe(tokens.length);
}

describe("a login that meets trouble", () => {
  test.each([
    ["500", write(say("500 Internal Server Error"))],
    ["503 with a time", write(say("503 Service Unavailable", "Retry-After: 120"))],
    ["a reset", reset],
    ["no HTTP", write("gibberish\r\n\r\n")],
  ])("is tried once more, with a token of its own: %s", async (_name, trouble) => {
    const { stack, upstream } = await start();
    answerLogins(upstream, trouble, well);
    expect((await stack.get(me)).status).toBe(200);
    expectLogins(upstream, 2);
  });

  test("is not tried a third time", async () => {
    const { stack, upstream } = await start();
    answerLogins(upstream, reset, write(say("502 Bad Gateway")), well);
    const answer = await stack.get(me);
    expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("QSP-UPSTREAM")]);
    expect(logins(upstream)).toHaveLength(2);
    await eventually(async () => expect((await stack.get(me)).status).toBe(200));
    expectLogins(upstream, 3);
  });

  test.each([
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "429 Too Many Requests",
  ])("is not tried again after %s", async (status) => {
    const { stack, upstream } = await start();
    answerLogins(upstream, write(say(status)), well);
    expect((await stack.get(me)).status).toBeGreaterThanOrEqual(403);
    expect(logins(upstream)).toHaveLength(1);
  });

  test("and takes its time is not tried again at once, but with the next request, with a token of its own", async () => {
    const { stack, upstream } = await start(300);
    answerLogins(upstream, silence, well);
    const answer = await stack.get(me);
    expect([answer.status, answer.text]).toEqual([504, expect.stringContaining("QSP-TIMEOUT")]);
    expect(logins(upstream)).toHaveLength(1);
    await eventually(async () => expect((await stack.get(me)).status).toBe(200));
    expectLogins(upstream, 2);
  });
});

describe("a tenant that limits logins", () => {
  const at = (seconds: number): string => new Date(Date.UTC(2030, 0, 1) + seconds * 1000).toUTCString();

  test.each([
    ["seconds", ["Retry-After: 13"], "13"],
    ["a date, by the tenant's clock", [`Date: ${at(0)}`, `Retry-After: ${at(17)}`], "17"],
    ["a date that is over", [`Date: ${at(0)}`, `Retry-After: ${at(-5)}`], "1"],
    ["no time at all", ["Retry-After: 0"], "1"],
    ["more than an hour", ["Retry-After: 86400"], "3600"],
    ["no header", [], "30"],
    ["what is no time", ["Retry-After: soon"], "30"],
    ["a fraction", ["Retry-After: 1.5"], "30"],
    ["a date in another form", ["Retry-After: 2030-01-01T00:00:00Z"], "30"],
  ])("is left alone for as long as it asks: %s", async (_name, headers, expected) => {
    const { stack, upstream } = await start();
    answerLogins(upstream, write(say("429 Too Many Requests", ...headers)), well);
    const answer = await stack.get(me);
    expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("QSP-TENANT-THROTTLED")]);
    expect(answer.header("retry-after")).toBe(expected);
    const other = await stack.get(me, { user: "bob" });
    expect([other.status, other.text]).toEqual([503, expect.stringContaining("QSP-TENANT-THROTTLED")]);
    expect(logins(upstream)).toHaveLength(1);
  });
});
