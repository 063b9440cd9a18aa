/* An answer that comes while the request is still being sent; attacks M4, rules R12. */
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { Upstream } from "../../src/upstream/upstream.ts";
import { eventually } from "../support/assertions.ts";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients, dispatch, outcomeOf, wayTo, type Heard } from "./clients.ts";

const started = cleanedUp();
const ok = "HTTP/1.1 200 OK\r\n";

const ended = async (heard: Heard): Promise<string> => outcomeOf(await heard.over);

describe.each(clients)("%s", (client) => {
  async function start(): Promise<{ way: Upstream; upstream: RawUpstream }> {
    const upstream = started.keep(await startRawUpstream());
    return { way: started.keep(wayTo(client, upstream.origin)), upstream };
  }

  const expectGone = (upstream: RawUpstream): Promise<void> =>
    eventually(() => expect(upstream.sockets.size).toBe(0));

  describe("an answer before the end of the request", () => {
    const slow = (): { body: AsyncIterable<Buffer>; go: () => void; sent: () => number } => {
      let go = (): void => {};
      let sent = 0;
      const gate = new Promise<void>((resolve) => (go = resolve));
      const body = (async function* () {
        sent += 1;
        yield Buffer.from("first");
        await gate;
        for (let index = 0; index < 100; index += 1) {
          sent += 1;
          yield Buffer.alloc(64 * 1024);
        }
      })();
      return { body, go: () => go(), sent: () => sent };
    };

    const earlyAnswer =
      (answer: string): ((socket: Socket) => void) =>
      (socket) =>
        socket.once("data", () => socket.write(answer));

    test("that refuses is told whole, and ends the connection", async () => {
      const { way, upstream } = await start();
      upstream.onConnection(earlyAnswer("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nstop!"));
      const { body, go } = slow();
      const heard = dispatch(way, { method: "POST", body });
      expect(await ended(heard)).toBe("413 stop!");
      go();
      await expectGone(upstream);
      upstream.onConnection(() => {});
      expect(await ended(dispatch(way))).toBe("200 ok");
    });

    test("that refuses has the rest of the request kept back", async () => {
      const { way, upstream } = await start();
      let tenant: Socket | undefined;
      upstream.onConnection((socket) => {
        tenant = socket;
        earlyAnswer("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nst")(socket);
      });
      const { body, go, sent } = slow();
      const heard = dispatch(way, { method: "POST", body });
      await heard.until((own) => own.body === "st");
      go();
      // undici sends on until the answer is through.
      while (client === "undici" && sent() <= 2) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, 50));
      tenant?.write("op!");
      expect(await ended(heard)).toBe("413 stop!");
      // One more was asked for when the answer came.
      expect(sent() > 2).toBe(client === "undici");
    });

    test("that goes on as it reads is told while the request goes on", async () => {
      const { way, upstream } = await start();
      let received = 0;
      upstream.onConnection((socket) => {
        socket.once("data", () => socket.write(`${ok}Content-Length: 5\r\n\r\nh`));
        socket.on("data", (chunk: Buffer) => {
          received += chunk.length;
          if (chunk.toString("latin1").endsWith("0\r\n\r\n")) socket.write("ello");
        });
      });
      const { body, go } = slow();
      const heard = dispatch(way, { method: "POST", body });
      await heard.until((own) => own.body === "h");
      go();
      expect(await ended(heard)).toBe("200 hello");
      expect(received).toBeGreaterThan(100 * 64 * 1024);
    });
  });
});
