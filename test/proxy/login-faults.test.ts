import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { loginPathOf, loginsAt, nameAtTenant, sessionCookie, tenantKind } from "../support/tenant-kind.ts";

const started = cleanedUp();
const login = loginPathOf();
const me = "/api/v1/users/me";
const start = (): Promise<Stack> => started.stack({ proxy: { timeouts: { login: 300, connect: 300 } } });
const attempts = ({ tenant }: Stack): number => loginsAt(tenant).length;

/** The tenant is well again; the gate opens by itself. */
async function expectRecovery(stack: Stack): Promise<void> {
  stack.tenant.clearFaults();
  expect(stack.proxy.stats()).toMatchObject({ sessions: 0, inFlight: 0 });
  await eventually(async () => expect((await stack.get(me)).status).toBe(200));
}

/** A token endpoint that knows no such user may say so; a page that is not there is no word of a tenant. facts §11 */
const notFound: readonly [number, string] =
  tenantKind === "qlik-cloud-oauth" ? [403, "QSP-USER-REFUSED"] : [502, "QSP-TENANT-REFUSED"];

describe("a login that is none", () => {
  test.each<[string, Parameters<Stack["tenant"]["enqueue"]>[0], number, string]>([
    ["200 without a cookie", { status: 200 }, 502, "QSP-TENANT-REFUSED"],
    [
      "200 with a cookie of another name",
      { status: 200, headers: [["Set-Cookie", "other=1"]] },
      502,
      "QSP-TENANT-REFUSED",
    ],
    [
      "200 with a cookie that is malformed",
      {
        status: 200,
        headers: [
          ["Set-Cookie", sessionCookie],
          ["Set-Cookie", "=; ;;"],
        ],
      },
      502,
      "QSP-TENANT-REFUSED",
    ],
    [
      "200 with a cookie of another host",
      { status: 200, headers: [["Set-Cookie", `${sessionCookie}=1; Domain=other.example`]] },
      502,
      "QSP-TENANT-REFUSED",
    ],
    [
      "200 with a cookie that is over",
      { status: 200, headers: [["Set-Cookie", `${sessionCookie}=1; Max-Age=0`]] },
      502,
      "QSP-TENANT-REFUSED",
    ],
    [
      "200 with a page",
      { status: 200, headers: [["Content-Type", "text/html"]], body: "<h1>Sign in</h1>" },
      502,
      "QSP-TENANT-REFUSED",
    ],
    [
      "302 to a log-in page",
      { status: 302, headers: [["Location", "https://idp.example/authorize"]] },
      502,
      "QSP-TENANT-REFUSED",
    ],
    [
      "400",
      { status: 400, body: { errors: [{ code: "AUTH-1", title: "x", status: "400" }] } },
      502,
      "QSP-TENANT-REFUSED",
    ],
    ["401 without a body", { status: 401 }, 502, "QSP-TENANT-REFUSED"],
    ["404", { status: 404, body: "not here" }, ...notFound],
    [
      "a body of five megabytes without a cookie",
      { status: 200, body: "x".repeat(5 * 1024 * 1024) },
      502,
      "QSP-TENANT-REFUSED",
    ],
    ["403 without a code", { status: 403 }, 403, "QSP-USER-REFUSED"],
    [
      "no licence",
      { status: 403, body: { errors: [{ code: "LICENSES-011", title: "x", status: "403" }] } },
      403,
      "QSP-USER-REFUSED",
    ],
    ["429 without a time", { status: 429 }, 503, "QSP-TENANT-THROTTLED"],
  ])("%s", async (_name, behaviour, status, code) => {
    const stack = await start();
    stack.tenant.enqueue({ ...behaviour, path: login });
    const answer = await stack.get(me);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(code)]);
    expect(answer.rawHeaders.map((each) => each.toLowerCase())).not.toContain("set-cookie");
    expect(attempts(stack)).toBe(1);
    expect(stack.tenant.recordings({ path: me })).toEqual([]);
    // The next one is held back here: a user who is refused does not make a login of each request.
    const next = await stack.get(me);
    expect([next.status, attempts(stack)]).toEqual([status, 1]);
    expect(Number(next.header("retry-after"))).toBeGreaterThan(0);
    expect(stack.proxy.stats().sessions).toBe(0);
  });

  test.each<[string, Parameters<Stack["tenant"]["fault"]>[0], number, string, number]>([
    ["500", { kind: "status", status: 500 }, 502, "QSP-UPSTREAM", 2],
    ["503", { kind: "status", status: 503 }, 502, "QSP-UPSTREAM", 2],
    ["a reset", { kind: "reset", stage: "request" }, 502, "QSP-UPSTREAM", 2],
    ["a reset behind its head", { kind: "reset", stage: "headers" }, 502, "QSP-UPSTREAM", 2],
    ["no HTTP", { kind: "garbage" }, 502, "QSP-UPSTREAM", 2],
    ["half a head", { kind: "garbage", bytes: "HTTP/1.1 200 OK\r\nSet-Co" }, 502, "QSP-UPSTREAM", 2],
    ["status 000", { kind: "garbage", bytes: "HTTP/1.1 000 \r\n\r\n" }, 502, "QSP-UPSTREAM", 2],
    ["silence", { kind: "silence" }, 504, "QSP-TIMEOUT", 1],
    ["silence behind its head", { kind: "silence", stage: "headers" }, 504, "QSP-TIMEOUT", 1],
  ])("%s", async (_name, fault, status, code, times) => {
    const stack = await start();
    stack.tenant.fault({ ...fault, path: login });
    const answers = await Promise.all([stack.get(me), stack.get(me), stack.get(me, { user: "ann" })]);
    for (const answer of answers) {
      expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(code)]);
    }
    expect(attempts(stack)).toBe(times);
    expect((await stack.get(me)).status).toBe(status);
    expect(attempts(stack)).toBe(times);
    await expectRecovery(stack);
  });

  test("one user's trouble is not another's", async () => {
    const stack = await start();
    stack.tenant.enqueue({ path: login, status: 403 });
    expect((await stack.get(me, { user: "ann" })).status).toBe(403);
    const bob = await stack.get(me, { user: "bob" });
    expect([bob.status, bob.text]).toEqual([
      200,
      expect.stringContaining(JSON.stringify(nameAtTenant("bob"))),
    ]);
  });

  test("a renewal that fails leaves the session, and the next request renews it", async () => {
    const stack = await start();
    await stack.get(me);
    stack.tenant.sessions.expire();
    stack.tenant.fault({ kind: "status", status: 500, path: login });
    const answer = await stack.get(me);
    expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("QSP-UPSTREAM")]);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, inFlight: 0 });
    stack.tenant.clearFaults();
    await eventually(async () => expect((await stack.get(me)).status).toBe(200));
  });
});
