/* How requests follow each other on a connection, and how they end before their time; attacks M3, M4, M8, rules R12. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Upstream } from "../../src/upstream/upstream.ts";
import { isBrokenConnection } from "../../src/upstream/upstream-error.ts";
import { eventually } from "../support/assertions.ts";
import { answerOk, startRawUpstream, type RawHandler, type RawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients, dispatch, outcomeOf, pieces, wayTo, type Heard } from "./clients.ts";

const started = cleanedUp();
const ok = "HTTP/1.1 200 OK\r\n";
const okBytes = `${ok}Content-Length: 2\r\n\r\nok`;

describe.each(clients)("%s", (client) => {
  /** A way to a tenant, which tells how many connections it has taken. */
  async function start(
    handler: RawHandler = answerOk,
    options: Parameters<typeof wayTo>[2] = {},
  ): Promise<{ way: Upstream; upstream: RawUpstream; taken: () => number }> {
    const upstream = started.keep(await startRawUpstream(handler));
    let taken = 0;
    upstream.onConnection(() => (taken += 1));
    return { way: started.keep(wayTo(client, upstream.origin, options)), upstream, taken: () => taken };
  }

  const expectGone = (upstream: RawUpstream): Promise<void> =>
    eventually(() => expect(upstream.sockets.size).toBe(0));

  /** What has been told when the exchange is over, and that it is told once. */
  async function ended(heard: Heard): Promise<string> {
    await heard.over;
    expect(heard.events.filter((event) => event === "finished" || event === "failed")).toHaveLength(1);
    return outcomeOf(heard);
  }

  describe("a connection", () => {
    test("is counted once, whatever it carries", async () => {
      const { way } = await start();
      for (let round = 0; round < 3; round += 1) await ended(dispatch(way));
      expect(way.stats()).toEqual({ connections: 1, opened: 1, requests: 3 });
      await ended(dispatch(way, {}, { lane: "bob" }));
      expect(way.stats()).toEqual({ connections: 2, opened: 2, requests: 4 });
    });

    test("carries one request after the other", async () => {
      const { way, upstream, taken } = await start();
      for (let round = 0; round < 5; round += 1) expect(await ended(dispatch(way))).toBe("200 ok");
      expect(await ended(dispatch(way, { method: "POST", contentLength: 2, body: pieces("ab") }))).toBe(
        "200 ok",
      );
      expect(await ended(dispatch(way))).toBe("200 ok");
      expect([taken(), upstream.seen.length]).toEqual([1, 7]);
    });

    test.each([
      ["the tenant says that it closes", `${ok}Connection: close\r\nContent-Length: 2\r\n\r\nok`],
      ["the tenant says so among other things", `${ok}Connection: x, Close\r\nContent-Length: 2\r\n\r\nok`],
      ["the tenant speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["the tenant keeps it for a moment only", `${ok}Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`],
      ["something came behind the answer", `${okBytes}more`],
      ["an answer came behind the answer", `${okBytes}${okBytes}`],
    ])("is not used again where %s", async (_why, bytes) => {
      const { way, taken, upstream } = await start((_request, socket) => void socket.write(bytes));
      for (let round = 0; round < 3; round += 1) expect(await ended(dispatch(way))).toBe("200 ok");
      expect(taken()).toBe(3);
      await expectGone(upstream);
    });

    test.each([
      ["HEAD", undefined, null],
      ["GET", 2, "ab"],
      ["DELETE", undefined, "ab"],
    ] as const)(
      "is not used again after %s with length %s and body %s",
      async (method, contentLength, body) => {
        const { way, taken } = await start((request, socket) => {
          socket.write(request.method === "HEAD" ? `${ok}Content-Length: 2\r\n\r\n` : okBytes);
        });
        const own = body === null ? null : pieces(body);
        expect(await ended(dispatch(way, { method, contentLength, body: own }))).toMatch(/^200 /);
        expect(await ended(dispatch(way))).toBe("200 ok");
        expect(taken()).toBe(2);
      },
    );

    test("on which something comes that nobody asked for is ended, and nobody hears of it", async () => {
      const { way, upstream, taken } = await start();
      await dispatch(way).over;
      for (const socket of upstream.sockets) socket.write(`${ok}Content-Length: 6\r\n\r\npoison`);
      await expectGone(upstream);
      expect([await ended(dispatch(way)), taken()]).toEqual(["200 ok", 2]);
    });

    test("with an answer that was there before its request is ended, and the request has a new one", async () => {
      const { way, upstream, taken } = await start();
      await dispatch(way).over;
      const [idle] = upstream.sockets;
      // Both in the turn of a timer: the bytes are there before the request is sent, and nobody has read them.
      const post = await new Promise<Heard>((resolve) => {
        setTimeout(() => {
          idle?.write(`${ok}Content-Length: 6\r\n\r\npoison`);
          resolve(dispatch(way, { method: "POST", contentLength: 2, body: pieces("ab") }));
        });
      });
      expect([await ended(post), taken()]).toEqual(["200 ok", 2]);
    });

    test.each([
      ["closed", (socket: Socket): unknown => socket.end()],
      ["reset", (socket: Socket): unknown => socket.resetAndDestroy()],
    ])("that the tenant has %s is not written to, whatever the request", async (_how, close) => {
      const { way, upstream } = await start();
      for (let round = 0; round < 5; round += 1) {
        expect(await ended(dispatch(way, { method: "POST", contentLength: 2, body: pieces("ab") }))).toBe(
          "200 ok",
        );
        for (const socket of upstream.sockets) close(socket);
        await expectGone(upstream);
        // undici hears of a reset a few turns before it gives the connection up.
        if (client === "undici") await sleep(100);
      }
    });

    test("is closed when nobody has used it for a while", async () => {
      const { way, upstream } = await start(answerOk, { idle: 50 });
      await dispatch(way).over;
      expect(upstream.sockets.size).toBe(1);
      await expectGone(upstream);
    });

    test("that speaks before it is spoken to answers nothing", async () => {
      const { way, upstream } = await start();
      upstream.onConnection((socket) => socket.write(`${ok}Content-Length: 6\r\n\r\npoison`));
      const body = (async function* () {
        await new Promise((resolve) => setTimeout(resolve, 100));
        yield Buffer.from("ab");
      })();
      const heard = dispatch(way, { method: "POST", contentLength: 2, body });
      // undici takes it for the answer, since it has begun to send.
      expect(await ended(heard)).toBe(client === "undici" ? "200 poison" : "QSP-UPSTREAM");
    });
  });

  describe("an exchange that is given up", () => {
    const half = `${ok}Content-Length: 10\r\n\r\nhello`;

    test("while it waits for a connection takes no other's", async () => {
      const { way, upstream } = await start(() => {});
      const first = dispatch(way);
      await eventually(() => expect(upstream.seen).toHaveLength(1));
      const second = dispatch(way);
      second.abort();
      expect(await ended(second)).toBe("QSP-UPSTREAM");
      expect(first.events).not.toContain("failed");
      first.abort();
      expect(await ended(first)).toBe("QSP-UPSTREAM");
      await expectGone(upstream);
    });

    test("in `started` sends nothing", async () => {
      const { way, upstream } = await start();
      const heard = dispatch(way, {}, { on: (event, own) => event === "started" && own.abort() });
      expect(await ended(heard)).toBe("QSP-UPSTREAM");
      expect(await ended(dispatch(way))).toBe("200 ok");
      expect(upstream.seen).toHaveLength(1);
    });

    test.each([
      ["before the answer", "", "started", "QSP-UPSTREAM"],
      ["with its head", half, "head", "QSP-UPSTREAM after 200 "],
      ["in its body", half, "data", "QSP-UPSTREAM after 200 hello"],
    ])("%s ends its connection, and hears nothing more", async (_when, bytes, at, outcome) => {
      const { way, upstream } = await start((_request, socket) => void socket.write(bytes));
      const heard = dispatch(
        way,
        {},
        { on: (event, own) => event === at && at !== "started" && own.abort() },
      );
      await eventually(() => expect(upstream.seen).toHaveLength(1));
      if (at === "started") heard.abort();
      expect(await ended(heard)).toBe(outcome);
      heard.abort();
      heard.resume();
      await expectGone(upstream);
      expect(heard.events.at(-1)).toBe("failed");
      upstream.handle(answerOk);
      expect(await ended(dispatch(way))).toBe("200 ok");
    });

    test("in the middle of its own body is never a whole request", async () => {
      const { way, upstream } = await start();
      let received = 0;
      upstream.onConnection((socket) => socket.on("data", (chunk: Buffer) => (received += chunk.length)));
      const endless = (async function* () {
        yield Buffer.from("half");
        await new Promise(() => {});
      })();
      const heard = dispatch(way, { method: "POST", body: endless });
      await eventually(() => expect(received).toBeGreaterThan(0));
      heard.abort();
      expect(await ended(heard)).toBe("QSP-UPSTREAM");
      await expectGone(upstream);
      expect(upstream.seen).toHaveLength(0);
    });

    test("by the end of everything is told", async () => {
      const { way, upstream } = await start(() => {});
      const heard = dispatch(way);
      await eventually(() => expect(upstream.seen).toHaveLength(1));
      await way.close();
      expect(await ended(heard)).toBe("QSP-UPSTREAM");
      await expectGone(upstream);
    });
  });

  describe("a listener that asks the tenant to wait", () => {
    const piece = Buffer.alloc(64 * 1024, "x");
    const count = 512;

    test("is not told more, holds the tenant back, and gets everything in the end", async () => {
      let written = 0;
      const { way } = await start((_request, socket) => {
        socket.write(`${ok}Content-Length: ${count * piece.length}\r\n\r\n`);
        const more = (): void => {
          while (written < count && socket.write(piece)) written += 1;
        };
        socket.on("drain", more);
        more();
      });
      let isOpen = false;
      const heard = dispatch(way, {}, { waits: (bytes) => !isOpen && bytes > 0 });
      await heard.until(({ events }) => events.includes("data"));
      const first = heard.body.length;
      let before = -1;
      await eventually(() => {
        const last = before;
        before = written;
        expect(written).toBe(last);
      });
      expect(written).toBeLessThan(count / 2);
      expect(heard.body.length).toBe(first);
      isOpen = true;
      heard.resume();
      expect((await heard.over).error).toBeNull();
      expect(heard.body.length).toBe(count * piece.length);
    });

    test("at each piece gets the same, and the end last", async () => {
      const { way, taken } = await start((_request, socket) => {
        socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n`);
      });
      for (let round = 0; round < 2; round += 1) {
        const heard = dispatch(
          way,
          {},
          {
            waits: () => true,
            on: (event, own) => void (/head|data/.test(event) && setImmediate(() => own.resume())),
          },
        );
        expect(await ended(heard)).toBe("200 abcdef");
        expect(heard.events.join(" ")).toMatch(/^started (?:started )?head data data data finished$/);
      }
      expect(taken()).toBe(1);
    });

    test("is not cut off for it", async () => {
      const { way } = await start((_request, socket) => void socket.write(okBytes), {
        timeouts: { connect: 1000, headers: 1000, bodyIdle: 100 },
      });
      const heard = dispatch(way, {}, { waits: (bytes) => bytes === 0 });
      await heard.until(({ events }) => events.includes("head"));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      heard.resume();
      expect(await ended(heard)).toBe("200 ok");
    });

    test("gets what came before the connection ended", async () => {
      const { way, upstream } = await start((_request, socket) => void socket.end(`${ok}\r\nhello`));
      const heard = dispatch(way, {}, { waits: (bytes) => bytes === 0 });
      await heard.until(({ events }) => events.includes("head"));
      await eventually(() => expect([...upstream.sockets].every((each) => each.writableFinished)).toBe(true));
      heard.resume();
      expect(await ended(heard)).toBe("200 hello");
    });
  });

  describe("a failure", () => {
    test.each<[string, boolean, RawHandler]>([
      ["a connection that ends without an answer", true, (_request, socket) => socket.end()],
      ["a connection that is reset without an answer", true, (_request, socket) => socket.resetAndDestroy()],
      ["an answer that nobody understands", false, (_request, socket) => void socket.write("what?\r\n\r\n")],
      [
        "an answer that ends in its body",
        // undici calls it so; it is not tried again all the same, since its head has been told.
        client === "undici",
        (_request, socket) => void socket.end(`${ok}Content-Length: 5\r\n\r\nok`),
      ],
    ])("by %s may be tried again: %s", async (_what, isBroken, handler) => {
      const { way } = await start(handler);
      const { error } = await dispatch(way).over;
      expect([error?.code, error && isBrokenConnection(error)]).toEqual(["QSP-UPSTREAM", isBroken]);
    });

    test("by a tenant that is not there names the reason", async () => {
      const { way, upstream } = await start();
      await upstream.close();
      const { error } = await dispatch(way).over;
      expect([error?.code, error?.message]).toEqual(["QSP-UPSTREAM", expect.stringMatching(/ECONNREFUSED/)]);
      await upstream.reopen();
      expect(await ended(dispatch(way))).toBe("200 ok");
    });
  });

  describe("a wait", () => {
    const timeouts = { connect: 2000, headers: 200, bodyIdle: 200 };

    test.each([
      ["for an answer", "", "QSP-TIMEOUT"],
      ["for the rest of a head", `${ok}Content-Le`, "QSP-TIMEOUT"],
      ["for an answer behind an interim one", "HTTP/1.1 103 Early\r\n\r\n", "QSP-TIMEOUT"],
      ["for a body", `${ok}Content-Length: 5\r\n\r\n`, "QSP-TIMEOUT after 200 "],
      ["for the rest of a body", `${ok}Content-Length: 5\r\n\r\nok`, "QSP-TIMEOUT after 200 ok"],
    ])("%s has a limit", async (_what, bytes, outcome) => {
      const { way, upstream } = await start((_request, socket) => void socket.write(bytes), { timeouts });
      expect(await ended(dispatch(way))).toBe(outcome);
      await expectGone(upstream);
    });

    test("for a tenant that does not read has a limit", async () => {
      const { way, upstream } = await start(answerOk, { timeouts });
      upstream.onConnection((socket) => setImmediate(() => socket.pause()));
      const endless = (async function* () {
        for (;;) yield Buffer.alloc(256 * 1024);
      })();
      expect(await ended(dispatch(way, { method: "POST", body: endless }))).toBe("QSP-TIMEOUT");
    });

    test("for the request's own body is not the tenant's fault", async () => {
      const { way } = await start(answerOk, { timeouts: { ...timeouts, headers: 50 } });
      const late = (async function* () {
        yield Buffer.from("a");
        await new Promise((resolve) => setTimeout(resolve, 1500));
        yield Buffer.from("b");
      })();
      expect(await ended(dispatch(way, { method: "POST", body: late }))).toBe("200 ok");
    });
  });
});
