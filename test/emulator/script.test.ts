import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, generatedBytes, type TenantEmulator } from "../../src/emulator.ts";
import { expectRefused, expectSocket, expectTenantError } from "../support/assertions.ts";
import {
  ask,
  createIssuer,
  openRequest,
  openSocket,
  signIn,
  type RefusedUpgrade,
  type SignedIn,
  type TenantSocket,
} from "../support/tenant-client.ts";

const issuer = createIssuer();
const me = { path: "/api/v1/users/me" };
let tenant: TenantEmulator;
let ada: SignedIn;
let large: string;

beforeAll(async () => {
  tenant = await createTenantEmulator({ identityProviders: [issuer] });
  ada = await signIn(tenant, issuer);
  const { id } = tenant.addTempContent({ bytes: generatedBytes(1_000_000) });
  large = `/api/v1/temp-contents/${id}`;
});

beforeEach(() => {
  tenant.clearFaults();
  tenant.take();
});

afterAll(async () => {
  await tenant.close();
});

async function upgrade(): Promise<TenantSocket | RefusedUpgrade> {
  const path = `/app/engineData?qlik-csrf-token=${await ada.csrfToken()}`;
  return openSocket(tenant, path, { cookie: ada.cookie });
}

/** Reads what comes until the connection ends; tells how it ended. */
async function readUntilEnd(path: string): Promise<{ bytes: number; error: string | undefined }> {
  const response = await openRequest(tenant, { path, headers: { cookie: ada.cookie } });
  let bytes = 0;
  try {
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    return { bytes, error: undefined };
  } catch (error) {
    return { bytes, error: (error as NodeJS.ErrnoException).code };
  }
}

describe("enqueue", () => {
  test("answers the next request that matches, once", async () => {
    tenant.enqueue({ method: "GET", path: "/api/v1/users/*", status: 418, body: { odd: true } });
    tenant.enqueue({
      path: "/api/v1/users/me",
      status: 302,
      headers: [
        ["Location", "/x"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ],
    });
    expect((await ada.ask({ path: "/api/v1/items" })).status).toBe(200);
    const first = await ada.ask(me);
    expect([first.status, first.text]).toEqual([418, '{"odd":true}']);
    const second = await ada.ask(me);
    expect([second.status, second.headers.location]).toEqual([302, "/x"]);
    expect(second.setCookies.slice(0, 2)).toEqual(["a=1", "b=2"]);
    expect((await ada.ask(me)).status).toBe(200);
  });

  test("answers for one subject only", async () => {
    tenant.enqueue({ subject: "someone@example.test", path: me.path, status: 500 });
    expect((await ada.ask(me)).status).toBe(200);
    const someone = await signIn(tenant, issuer, { sub: "someone@example.test" });
    expect((await someone.ask(me)).status).toBe(500);
  });

  test("refuses an upgrade", async () => {
    tenant.enqueue({ method: "UPGRADE", path: "/app/**", status: 503, body: "busy" });
    expect(expectRefused(await upgrade(), 503).text).toBe("busy");
    expectSocket(await upgrade()).socket.terminate();
  });
});

describe("faults of requests", () => {
  test("an error status, as often as said", async () => {
    tenant.fault({ path: me.path, kind: "status", status: 503, times: 2 });
    expectTenantError(await ada.ask(me), 503, "HTTP-503");
    expectTenantError(await ada.ask(me), 503, "HTTP-503");
    expect((await ada.ask(me)).status).toBe(200);
  });

  test("until cleared, if no number is said", async () => {
    tenant.fault({ kind: "status", status: 500 });
    for (let round = 0; round < 3; round++) expect((await ada.ask(me)).status).toBe(500);
    tenant.clearFaults();
    expect((await ada.ask(me)).status).toBe(200);
  });

  test("429 with retry-after", async () => {
    tenant.fault({ kind: "throttle", retryAfter: 13, times: 1 });
    const answer = await ada.ask(me);
    expect([answer.status, answer.headers["retry-after"]]).toEqual([429, "13"]);
  });

  test("a delay before the true answer, together with another fault", async () => {
    tenant.fault({ kind: "delay", ms: 80, times: 2 });
    const start = performance.now();
    expect((await ada.ask(me)).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(75);
    tenant.fault({ kind: "status", status: 502, times: 1 });
    expect((await ada.ask(me)).status).toBe(502);
  });

  test("a reset before the answer", async () => {
    tenant.fault({ kind: "reset", stage: "request", times: 1 });
    await expect(ada.ask(me)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await ada.ask(me)).status).toBe(200);
  });

  test("a reset after the header, or within the body", async () => {
    tenant.fault({ path: large, kind: "reset", stage: "headers", times: 1 });
    expect(await readUntilEnd(large)).toEqual({ bytes: 0, error: "ECONNRESET" });
    tenant.fault({ path: large, kind: "reset", stage: "body", afterBytes: 1000, times: 1 });
    expect(await readUntilEnd(large)).toEqual({ bytes: 1000, error: "ECONNRESET" });
  });

  test("a body that ends early", async () => {
    tenant.fault({ path: large, kind: "cut", afterBytes: 70_000, times: 1 });
    expect(await readUntilEnd(large)).toEqual({ bytes: 70_000, error: "ECONNRESET" });
    expect(await readUntilEnd(large)).toEqual({ bytes: 1_000_000, error: undefined });
  });

  test("silence instead of an answer, and in the middle of one", async () => {
    tenant.fault({ path: me.path, kind: "silence", times: 1 });
    const outcome = await Promise.race([
      ada.ask(me).then(
        () => "answered",
        () => "ended",
      ),
      new Promise((resolve) => setTimeout(resolve, 200, "silent")),
    ]);
    expect(outcome).toBe("silent");
    tenant.fault({ path: large, kind: "silence", stage: "body", afterBytes: 500, times: 1 });
    const response = await openRequest(tenant, { path: large, headers: { cookie: ada.cookie } });
    let bytes = 0;
    response.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(bytes).toBe(500);
    expect(response.complete).toBe(false);
    response.on("error", () => undefined);
    response.destroy();
  });

  test("bytes that are not HTTP, and a status that is none", async () => {
    tenant.fault({ kind: "garbage", times: 1 });
    await expect(ada.ask(me)).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) as string });
    tenant.fault({ kind: "garbage", bytes: "HTTP/1.1 000 \r\ncontent-length: 0\r\n\r\n", times: 1 });
    await expect(ada.ask(me).then(({ status }) => status)).resolves.toBe(0);
  });
});

describe("faults of upgrades", () => {
  test("a status, 429, garbage and a reset before 101", async () => {
    tenant.fault({ method: "UPGRADE", kind: "status", status: 502, times: 1 });
    expectRefused(await upgrade(), 502);
    tenant.fault({ method: "UPGRADE", kind: "throttle", retryAfter: 7, times: 1 });
    expect(expectRefused(await upgrade(), 429).headers["retry-after"]).toBe("7");
    tenant.fault({ method: "UPGRADE", kind: "garbage", times: 1 });
    await expect(upgrade()).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) as string });
    tenant.fault({ method: "UPGRADE", kind: "reset", stage: "request", times: 1 });
    await expect(upgrade()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("101 and a close code at once, with a JSON reason", async () => {
    tenant.fault({ path: "/app/**", kind: "close", code: 4205, times: 1 });
    const { closed, messages } = expectSocket(await upgrade());
    const { code, reason } = await closed;
    expect(code).toBe(4205);
    expect(JSON.parse(reason)).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
    expect(messages).toEqual([]);
  });

  test("a connection that is lost after 101", async () => {
    for (const kind of [{ kind: "reset", stage: "body" } as const, { kind: "cut", afterBytes: 0 } as const]) {
      tenant.fault({ method: "UPGRADE", times: 1, ...kind });
      const { closed } = expectSocket(await upgrade());
      expect((await closed).code).toBe(1006);
    }
  });
});

describe("recordings", () => {
  test("hold what came, byte for byte: target, header lines, the start of the body, the answer's status", async () => {
    await ada.write({
      method: "POST",
      path: "/api/v1/temp-contents?filename=%61.txt&&x=",
      headers: { "X-Odd-Case": ["1", "2"] as never },
      body: "x".repeat(10_000),
    });
    const [recording] = tenant.take({ method: "POST" });
    expect(recording).toMatchObject({
      url: "/api/v1/temp-contents?filename=%61.txt&&x=",
      subject: "ada@example.test",
      upgrade: false,
      bodyBytes: 10_000,
      status: 201,
    });
    expect(recording?.bodyStart.toString()).toBe("x".repeat(4096));
    expect(recording?.headers.filter(([name]) => name === "X-Odd-Case").map(([, value]) => value)).toEqual([
      "1",
      "2",
    ]);
    expect(tenant.take({ method: "POST" })).toEqual([]);
  });

  test("hold refused requests and upgrades too", async () => {
    await ask(tenant, { path: "/api/v1/items" });
    expectRefused(await openSocket(tenant, "/app/engineData"), 401);
    expectSocket(await upgrade()).socket.terminate();
    expect(tenant.take({ status: 401 }).map(({ upgrade: isUpgrade }) => isUpgrade)).toEqual([false, true]);
    expect(tenant.take({ upgrade: true, path: "/app/**" })).toHaveLength(1);
  });

  test("tell sessions and connections apart", async () => {
    const again = await signIn(tenant, issuer);
    tenant.take();
    await ada.ask(me);
    await again.ask(me);
    const [first, second] = tenant.recordings();
    expect(first?.subject).toBe(second?.subject);
    expect(first?.sessionId).not.toBe(second?.sessionId);
    expect(first?.peer).not.toBe(second?.peer);
  });
});

test("bytes that are not HTTP are answered 400 and do no harm", async () => {
  await using plain = await createTenantEmulator({ plainHttp: true });
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(plain.port, "127.0.0.1", () => socket.write("\u0000\u0001\u0002 what\r\n\r\n"));
    let received = "";
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
});
