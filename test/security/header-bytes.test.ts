import { describe, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { observeProcess } from "../support/observed-process.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { cleanedUp } from "../support/started.ts";
import { answerBoth, bytesOf, doors, forwarded, knockAt, openPath, through } from "./doors.ts";

const started = cleanedUp();

/** Bytes that would end a header, or that no header has. */
const odd = ["a\rb", "a\nb", "a\r\n\tb", "a\0b", "a\u0001b", "a\u007fb", "a\u001b[31m"] as const;

// attacks H5
describe.each(doors)("on an incoming %s", (door) => {
  test.each(["X-Odd", "Cookie", "User-Agent", "X-Test-User", "Origin", "Sec-WebSocket-Protocol"])(
    "bytes in %s that no header has are refused",
    async (name) => {
      const { stack, upstream } = await started.raw(answerBoth);
      for (const value of odd) {
        const headers = [`${name}: ${value}`];
        const answer = await knockAt(stack, door, `/qlik${openPath(door)}`, { headers });
        expect([value, answer.status]).toEqual([value, 400]);
      }
      expect(upstream.seen).toEqual([]);
    },
  );

  test("bytes beyond ASCII go on as they are, and become nothing else", async () => {
    const { stack, upstream } = await started.raw(answerBoth);
    const value = Buffer.from("caf\u00e9 \u010a \u{1f600}").toString("latin1");
    const headers = [`X-Own: ${value}`];
    expect((await knockAt(stack, door, `/qlik${openPath(door)}`, { headers })).status).toBe(through(door));
    const [request] = forwarded(upstream.seen);
    expect([request?.header("x-own"), upstream.seen.filter(({ line }) => line === "")]).toEqual([value, []]);
  });

  test.each<[string, Partial<Record<keyof Identity, unknown>>]>([
    ["a subject with a line end", { subject: "ann\r\nx-admin: 1" }],
    ["a name with a line end", { name: "Ann\nx-admin: 1" }],
    ["a name with a NUL", { name: "Ann\0" }],
    ["an e-mail with a line end", { email: "ann@acme.test\r\n" }],
    ["a group with a line end", { groups: ["sales", "a\r\nb"] }],
    ["a group with half a character", { groups: ["\ud800"] }],
    ["a host session with a line end", { sessionId: "1\r\n2" }],
  ])("%s, as the host says it, is refused", async (_name, claim) => {
    const identify = (): Identity => ({ subject: "ann", ...claim }) as Identity;
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { identify } });
    const answer = await knockAt(stack, door, `/qlik${openPath(door)}`);
    expect([answer.status, answer.body]).toEqual([500, expect.stringContaining("QSP-IDENTITY")]);
    expect(upstream.seen).toEqual([]);
  });

  test("a user whose name has letters beyond ASCII is named at the login, letter by letter", async () => {
    const user = { subject: "zo\u00eb|\u6f22", name: "Zo\u00eb \u6f22\u5b57 \u{1f600}", groups: ["\u010a"] };
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { identify: () => user } });
    expect((await knockAt(stack, door, `/qlik${openPath(door)}`)).status).toBe(through(door));
    const { subject, ...told } = user;
    const logins = upstream.seen.flatMap((request) => wire.login(request) ?? []);
    expect(logins).toMatchObject([{ subject, ...(wire.namesUsers ? told : {}) }]);
    const heads = upstream.seen.map(({ line, headers }) => [line, headers]);
    expect(JSON.stringify(heads)).toMatch(/^[\x20-\x7e]*$/);
  });
});

// attacks H5
test.each([
  "/%0d%0aSet-Cookie:%20canary=1",
  "/a%0aX-Canary:%201",
  "/%00canary",
  "/%e5%98%8a%e5%98%8dSet-Cookie:canary=1",
  "/caf%c3%a9",
])("a path that becomes a Location stays one line: %s", async (returnTo) => {
  const stack = await started.stack();
  const answer = await knockAt(stack, "request", `/qlik/login?returnto=${returnTo}`);
  expect(answer.status).toBe(302);
  const lines = answer.head.split("\r\n");
  expect(lines.filter((line) => /^(location|set-cookie|x-canary):/i.test(line))).toHaveLength(1);
  expect(answer.head).toMatch(/^location: http:\/\/portal\.localhost:\d+\/[\x21-\x7e]*\r$/im);
});

// attacks H6
describe.each(doors)("a head of an incoming %s", (door) => {
  const most = 200;
  const filled = (present: number, count: number): readonly string[] =>
    Array.from({ length: count - present }, (_each, index) => `x${index}: ${index}`);

  test("of 200 headers passes, of 201 is 431", async () => {
    const { stack, upstream } = await started.raw(answerBoth);
    const target = `/qlik${openPath(door)}`;
    const present = bytesOf(stack, door, target).toString().split("\r\n").length - 3;
    const right = await knockAt(stack, door, target, { headers: filled(present, most) });
    expect(right.status).toBe(through(door));
    expect(forwarded(upstream.seen)[0]?.header(`x${most - present - 1}`)).toBe(String(most - present - 1));
    const over = await knockAt(stack, door, target, { headers: filled(present, most + 1) });
    expect([over.status, over.body]).toEqual([431, expect.stringContaining("QSP-TOO-LARGE")]);
    expect(forwarded(upstream.seen)).toHaveLength(1);
  });

  test.each([
    ["a header of 66 kB", [`X-Large: ${"a".repeat(66_000)}`]],
    ["a name of 66 kB", [`${"a".repeat(66_000)}: 1`]],
    ["a cookie of 66 kB", [`Cookie: ${"a=b; ".repeat(13_200)}`]],
    ["30 000 headers", Array.from({ length: 30_000 }, (_each, index) => `x${index}: 1`)],
  ])("with %s is 431, and the process lives", async (_name, headers) => {
    const observed = observeProcess();
    started.keep({ close: () => observed.stop() });
    const { stack, upstream } = await started.raw(answerBoth);
    const target = `/qlik${openPath(door)}`;
    expect((await knockAt(stack, door, target, { headers })).status).toBe(431);
    expect([upstream.seen, observed.uncaught]).toEqual([[], []]);
    expect((await knockAt(stack, door, target)).status).toBe(through(door));
  });

  test("with a target of 66 kB is 431", async () => {
    const { stack, upstream } = await started.raw(answerBoth);
    const target = `/qlik${openPath(door)}?${"a".repeat(66_000)}`;
    expect([(await knockAt(stack, door, target)).status, upstream.seen]).toEqual([431, []]);
  });
});
