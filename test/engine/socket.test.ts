import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RawData, WebSocket } from "ws";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { type EngineHost, startEngineHost } from "./support/engine-host.ts";
import { closing, connectRaw, handleIn } from "./support/raw-client.ts";

let host: EngineHost;

beforeAll(async () => {
  host = await startEngineHost();
});
afterAll(() => host.close());

const JSON_REASON = /^\{"code":"QEP-[0-9]+","traceId":"[0-9a-f]{32}"\}$/;

describe("the handshake", () => {
  test("brings the first message in the same read as the 101, with the tenant's header lines", async () => {
    const socket = connect(host.port, "127.0.0.1");
    const url = new URL(host.url(APP_ID.sales, "glued"));
    socket.write(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const [bytes] = (await once(socket, "data")) as [Buffer];
    const text = bytes.toString("latin1");
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text).toContain("\r\nSet-Cookie: AWSALB=abc; Path=/\r\nX-Tenant: local\r\n");
    const frame = bytes.subarray(text.indexOf("\r\n\r\n") + 4);
    expect(frame[0]).toBe(0x81);
    expect(JSON.parse(frame.subarray(2).toString("utf8"))).toEqual({
      jsonrpc: "2.0",
      method: "OnConnected",
      params: { qSessionState: "SESSION_CREATED" },
    });
    socket.destroy();
  });

  test("agrees to compress when the client offers it, and only then", async () => {
    const offering = await connectRaw(host.url("engineData"));
    expect(offering.socket.extensions).toContain("permessage-deflate");
    await offering.close();
    const plain = await connectRaw(host.url("engineData"), { perMessageDeflate: false });
    expect(plain.socket.extensions).toBe("");
    await plain.close();
  });

  test("refuses a request that is no WebSocket's, and lives on", async () => {
    const socket = connect(host.port, "127.0.0.1");
    socket.write(
      `GET /app/${APP_ID.sales} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    const [bytes] = (await once(socket, "data")) as [Buffer];
    expect(bytes.toString("latin1")).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
    await (await connectRaw(host.url("engineData"))).close();
  });
});

describe("close codes", () => {
  test("an unknown app is 101, then 4204 with the code on record", async () => {
    const closed = await closing(new WebSocket(host.url("no-such-app")));
    expect(closed.code).toBe(4204);
    expect(closed.reason).toMatch(JSON_REASON);
    expect(JSON.parse(closed.reason)).toHaveProperty("code", "QEP-104");
  });

  test("an app without permission is 101, then 4203", async () => {
    const closed = await closing(new WebSocket(host.url(APP_ID.payroll, "ada", ["Staff"])));
    expect(closed.code).toBe(4203);
    expect(closed.reason).toMatch(JSON_REASON);
    const member = await connectRaw(host.url(APP_ID.payroll, "ada", ["People team"]));
    await member.close();
  });

  test("an app id that is no valid encoding is an unknown app", async () => {
    expect((await closing(new WebSocket(host.url("%E0%A4%A")))).code).toBe(4204);
  });

  test("can be sent to the sockets of a subject or of a tenant session", async () => {
    const ada = await connectRaw(`${host.url(APP_ID.sales, "close-ada")}&session=s1`);
    const bo = await connectRaw(`${host.url(APP_ID.sales, "close-bo")}&session=s2`);
    expect(host.engine.sockets()).toEqual([
      { subject: "close-ada", appId: APP_ID.sales, tenantSessionId: "s1" },
      { subject: "close-bo", appId: APP_ID.sales, tenantSessionId: "s2" },
    ]);
    const closed = closing(ada.socket);
    expect(host.engine.closeSockets({ subject: "close-ada" }, 4003)).toBe(1);
    const { code, reason } = await closed;
    expect(code).toBe(4003);
    expect(reason).toMatch(JSON_REASON);
    const other = closing(bo.socket);
    expect(host.engine.closeSockets({ tenantSessionId: "s2" }, 4211, "as it is")).toBe(1);
    expect(await other).toEqual({ code: 4211, reason: "as it is" });
    await expect.poll(() => host.closeCodes.slice(-2)).toEqual([4003, 4211]);
    expect(host.engine.sockets()).toEqual([]);
  });

  test("sockets can be dropped without one", async () => {
    const { socket } = await connectRaw(host.url(APP_ID.sales, "dropped"));
    const closed = closing(socket);
    expect(host.engine.destroySockets({ subject: "dropped" })).toBe(1);
    expect((await closed).code).toBe(1006);
  });
});

describe("large frames", () => {
  test.each([
    [1, 1],
    [16, 1],
    [64, 1],
    [16, 5],
  ])("%i MB arrive in one message of %i frames", async (megabytes, fragments) => {
    const client = await connectRaw(host.url("engineData"), { maxPayload: 100_000_000 });
    const size = megabytes * 1_048_576;
    const sizes: number[] = [];
    client.socket.on("message", (data: RawData) => sizes.push((data as Buffer).length));
    expect((await client.call("EmulatorPushFrame", [size, fragments])).result).toEqual({ qReturn: size });
    expect(sizes[0]).toBe(size);
    await client.close();
  });

  test("fragments are frames of their own on the wire", async () => {
    const socket = connect(host.port, "127.0.0.1");
    socket.write(
      "GET /app/engineData HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const [head] = (await once(socket, "data")) as [Buffer];
    expect(head.toString("latin1")).toContain("OnConnected");
    const call = JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      handle: -1,
      method: "EmulatorPushFrame",
      params: [100, 3],
    });
    // A masked frame whose mask is all zero carries its text as it is.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | call.length, 0, 0, 0, 0]), Buffer.from(call)]));
    let received = Buffer.alloc(0);
    while (!received.includes('"qReturn":100')) {
      received = Buffer.concat([received, ((await once(socket, "data")) as [Buffer])[0]]);
    }
    const starts = [0, 36, 72].map((start) => [received[start], received[start + 1]]);
    expect(starts).toEqual([
      [0x01, 34],
      [0x00, 34],
      [0x80, 32],
    ]);
    socket.destroy();
  });

  test("20 MB are taken from a client and given back", async () => {
    const client = await connectRaw(host.url(APP_ID.sales, "large"), { maxPayload: 100_000_000 });
    const doc = handleIn(await client.call("OpenDoc", [APP_ID.sales]));
    const note = "x".repeat(20 * 1_048_576);
    const object = handleIn(
      await client.call("CreateSessionObject", [{ qInfo: { qType: "note" }, note }], doc),
    );
    const { result } = await client.call("GetProperties", [], object);
    const { qProp } = result as { qProp: { note: string } };
    expect(qProp.note).toHaveLength(note.length);
    await client.close();
  });
});
