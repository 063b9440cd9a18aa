/* What a flood costs, and what odd bytes do. attacks D1 D3 D4 D6 D8 */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAssertionKey } from "../../src/options/signing-key.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { observeProcess } from "../support/observed-process.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { handshake, shakeHands } from "../support/raw-handshake.ts";
import { answerOk } from "../support/raw-upstream.ts";
import { NodeStore, SharedMemoryStore } from "../support/shared-memory-store.ts";
import { startSocketTenant } from "../support/socket-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const me = "/api/v1/users/me";

/** A store that counts what is asked of it. */
function countingStore() {
  const core = new SharedMemoryStore(systemClock);
  started.keep(core);
  const store = new NodeStore(core);
  return { store, secret: "a-secret-of-thirty-two-bytes-or-so", asked: () => store.reads + store.writes };
}

describe("ten thousand requests of nobody", () => {
  test(
    "make no session and no login, set no cookie, and are not asked of the store",
    { timeout: 60_000 },
    async () => {
      const { store, secret, asked } = countingStore();
      const tenant = started.keep(await startNamedTenant());
      const stack = await started.stack({ tenantOrigin: tenant.origin, proxy: { store, secret } });
      // The names of sessions are learned once, whoever asks first.
      expect((await stack.get(me, { user: "ann" })).status).toBe(200);
      await stack.proxy.revoke({ subject: "ann" });
      const [before, seen] = [asked(), tenant.seen.length];
      const one = requestHead(stack.origin, `GET /qlik${me} HTTP/1.1`).replace("x-test-user: ann\r\n", "");
      const connections = await Promise.all(Array.from({ length: 10 }, () => connectTo(stack.origin)));
      const answers = connections.map(async (connection) => {
        connection.write(one.repeat(1000));
        const text = await connection.until((all) => all.split("QSP-UNAUTHENTICATED").length > 1000);
        connection.socket.destroy();
        return text;
      });
      const all = (await Promise.all(answers)).join("");
      expect(all.match(/HTTP\/1\.1 401 /g)).toHaveLength(10_000);
      expect(all).not.toMatch(/^set-cookie:/im);
      expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
      expect([tenant.logins.length, tenant.seen.length]).toEqual([1, seen]);
      // What a node asks on its own, every few seconds.
      expect(asked() - before).toBeLessThan(100);
    },
  );
});

describe("a storm of upgrades after a log-out", () => {
  test("costs the host one question each, and store and tenant nothing", async () => {
    const { store, secret, asked } = countingStore();
    const tenant = started.keep(await startNamedTenant());
    let questions = 0;
    const stack = await started.stack({
      tenantOrigin: tenant.origin,
      proxy: {
        store,
        secret,
        identify: () => {
          questions += 1;
          return { subject: "ann", sessionId: "host-1" };
        },
      },
    });
    expect((await stack.get(me)).status).toBe(200);
    const out = await stack.get("/_session", { method: "DELETE", headers: { origin: stack.origin } });
    expect(out.status).toBe(204);
    const [before, seen, asksBefore] = [asked(), tenant.seen.length, questions];
    const storm = 300;
    for (let round = 0; round < storm; round += 30) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => shakeHands(stack.origin)));
      for (const { status, closed } of answers) expect([status, closed]).toEqual([401, true]);
    }
    expect(questions - asksBefore).toBe(storm);
    expect([tenant.seen.length, tenant.logins.length]).toEqual([seen, 1]);
    expect(asked() - before).toBeLessThan(storm / 10);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
  });
});

/** The same "random" numbers in every run, from 0 to below 2^23. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >>> 8;
  };
}

/** Bytes with a few of them changed, doubled, left out, or out of place. */
function spoiled(bytes: Buffer, next: () => number): Buffer {
  let result = bytes;
  for (let change = 0; change <= next() % 4; change += 1) {
    const at = next() % (result.length + 1);
    const other = Math.min(result.length, at + (next() % 8));
    const parts = [
      () => [result.subarray(0, at), Buffer.from([next() & 255]), result.subarray(at + 1)],
      () => [result.subarray(0, at), result.subarray(other)],
      () => [result.subarray(0, other), result.subarray(at)],
      () => [result.subarray(0, at), Buffer.from("\r\n\r\n"), result.subarray(at)],
      () => [result.subarray(0, at)],
    ];
    result = Buffer.concat(parts[next() % parts.length]?.() ?? []);
  }
  return result;
}

describe("odd bytes", () => {
  /** Masked frames of a browser: texts, fragments, a ping, a close. */
  const frames = Buffer.from(
    "818500000000414141410a01830000000061626300808300000000646566898200000000707088820000000003e8",
    "hex",
  );

  test(
    "of a client, as requests and behind a handshake, end no process and leave nothing behind",
    { timeout: 60_000 },
    async () => {
      const observed = observeProcess();
      started.keep({ close: () => observed.stop() });
      const tenant = started.keep(await startSocketTenant());
      const stack = await started.stack({ tenantOrigin: tenant.origin });
      const next = numbersFrom(20_261_129);
      const post = requestHead(stack.origin, "POST /qlik/api/v1/reports HTTP/1.1", [
        `Origin: ${stack.origin}`,
        "Transfer-Encoding: chunked",
      ]);
      const seeds = [
        Buffer.from(requestHead(stack.origin, `GET /qlik${me}?a=%41 HTTP/1.1`)),
        Buffer.from(`${post}3;x=y\r\nabc\r\n0\r\nTrailer: x\r\n\r\n`),
        Buffer.from(handshake(stack.origin)),
      ];
      for (let round = 0; round < 40; round += 1) {
        await Promise.all(
          Array.from({ length: 10 }, async () => {
            const connection = await connectTo(stack.origin);
            const head = seeds[next() % seeds.length] ?? Buffer.alloc(0);
            const isSocket = head === seeds[2];
            connection.write(isSocket && next() % 2 === 0 ? head : spoiled(head, next));
            if (isSocket) connection.write(spoiled(frames, next));
            connection.socket.end();
            await connection.closed;
          }),
        );
      }
      expect(observed.uncaught).toEqual([]);
      await expect
        .poll(() => stack.proxy.stats(), { timeout: 10_000 })
        .toMatchObject({ sockets: 0, inFlight: 0 });
      expect((await stack.get(me)).status).toBe(200);
    },
  );

  test(
    "of a tenant, as answers and behind a 101, end no process and leave nothing behind",
    { timeout: 60_000 },
    async () => {
      const observed = observeProcess();
      started.keep({ close: () => observed.stop() });
      const next = numbersFrom(20_261_130);
      const answers = [
        'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\nETag: "a"\r\n\r\n{"a":"b/c"}',
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /a\r\nSet-Cookie: eas.sid=x; Expires=Wed, 01 Jan 2031 00:00:00 GMT\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\u0081\u0005hello\u0088\u0002\u0003\u00e8",
      ].map((text) => Buffer.from(text, "latin1"));
      const { stack, upstream } = await started.raw(
        (_request, socket) =>
          void socket.end(spoiled(answers[next() % answers.length] ?? Buffer.alloc(0), next)),
        { proxy: { timeouts: { headers: 300, bodyIdle: 300 }, limits: { socketsPerSession: 1000 } } },
      );
      for (let round = 0; round < 30; round += 1) {
        await Promise.all(
          Array.from({ length: 10 }, async (_, index) => {
            const connection = await connectTo(stack.origin);
            const close = ["Connection: close"];
            connection.write(
              index % 2 === 0
                ? handshake(stack.origin)
                : requestHead(stack.origin, "GET /qlik/api/v1/echo/a HTTP/1.1", close),
            );
            const isOpened = /^HTTP\/1\.1 101 /;
            await connection.until((text) => isOpened.test(text));
            connection.socket.destroy();
          }),
        );
      }
      expect(observed.uncaught).toEqual([]);
      upstream.handle(answerOk);
      await expect
        .poll(() => stack.proxy.stats(), { timeout: 10_000 })
        .toMatchObject({ sockets: 0, inFlight: 0 });
      await expect.poll(async () => (await stack.get("/api/v1/echo/a")).status).toBe(200);
    },
  );
});

describe("frames of a browser that no endpoint may send", () => {
  const masked = (first: number, length: readonly number[]) => Buffer.from([first, ...length, 1, 2, 3, 4]);

  test.each([
    ["a length of 2^63", masked(0x82, [0xff, 0x80, 0, 0, 0, 0, 0, 0, 5])],
    ["a ping of 16 MB", masked(0x89, [0xff, 0, 0, 0, 0, 1, 0, 0, 0])],
    ["a ping in pieces", masked(0x09, [0x80])],
    ["an opcode that is reserved", masked(0x83, [0x80])],
    ["no mask", Buffer.from([0x81, 0x01, 0x61])],
  ])("end the socket on both sides, and hold no memory: %s", async (_what, frame) => {
    const tenant = started.keep(await startSocketTenant());
    const stack = await started.stack({ tenantOrigin: tenant.origin });
    const connection = await connectTo(stack.origin);
    connection.write(handshake(stack.origin));
    await connection.until((text) => text.includes("\r\n\r\n"));
    const { ws } = await tenant.next();
    const ended = new Promise<void>((resolve) => void ws.once("close", () => resolve()));
    connection.write(frame);
    await Promise.all([connection.closed, ended]);
    expect(stack.proxy.stats().sockets).toBe(0);
  });

  test("reserved bits and many small fragments reach the tenant, which judges them: its close comes back", async () => {
    const tenant = started.keep(await startSocketTenant());
    const stack = await started.stack({ tenantOrigin: tenant.origin });
    const connection = await connectTo(stack.origin);
    connection.write(handshake(stack.origin));
    await connection.until((text) => text.includes("\r\n\r\n"));
    const { ws } = await tenant.next();
    const message = new Promise<number>(
      (resolve) => void ws.once("message", (data: Buffer) => resolve(data.length)),
    );
    const piece = (first: number) => Buffer.concat([masked(first, [0x81]), Buffer.from([0])]);
    const pieces = [piece(0x02), ...Array.from({ length: 5000 }, () => piece(0x00)), piece(0x80)];
    connection.write(Buffer.concat(pieces));
    expect(await message).toBe(5002);
    // RSV2 is nobody's: 1002, a protocol error, in the tenant's own frame.
    connection.write(Buffer.concat([masked(0xa1, [0x81]), Buffer.from([0])]));
    const answer = await connection.until((text) => text.includes("\u0088"));
    expect(Buffer.from(answer.slice(answer.lastIndexOf("\u0088")), "latin1").readUInt16BE(2)).toBe(1002);
    connection.socket.destroy();
  });
});

describe("signatures", () => {
  test("are made beside the event loop: it turns before the last of a hundred is done", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
    const key = createAssertionKey({ issuer: "i", keyId: "k", privateKey }, (part, message) => {
      throw new Error(`${part} ${message}`);
    });
    let done = 0;
    const signatures = Array.from({ length: 100 }, async () => {
      const signature = await key?.sign(Buffer.from("header.payload"));
      done += 1;
      return signature;
    });
    await new Promise((resolve) => void setImmediate(resolve));
    const doneAfterOneTurn = done;
    expect((await Promise.all(signatures)).every((signature) => signature?.length === 384)).toBe(true);
    expect(doneAfterOneTurn).toBeLessThan(100);
  });
});
