/* Answers, and ends of connections, that come at the worst moment; attacks M4, M5, M7, M8, rules R12. */
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { answerOk, startRawUpstream, type RawHandler } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients, dispatch, outcomeOf, pieces, wayTo, type Heard } from "./clients.ts";

const started = cleanedUp();
const ok = "HTTP/1.1 200 OK\r\n";
const okBytes = `${ok}Content-Length: 2\r\n\r\nok`;

describe.each(clients)("%s", (client) => {
  async function start(handler: RawHandler = answerOk) {
    const upstream = started.keep(await startRawUpstream(handler));
    return { upstream, way: started.keep(wayTo(client, upstream.origin)) };
  }

  /** A request that is never sent twice. */
  const post = () => ({ method: "POST", contentLength: 2, body: pieces("ab") });

  test.each([
    ["closed", (socket: Socket): unknown => socket.end(), "200 ok"],
    // undici writes to it.
    ["reset", (socket: Socket): unknown => socket.resetAndDestroy(), "QSP-UPSTREAM"],
  ])("a connection that is %s in the turn of a request is not written to", async (_how, close, undici) => {
    const { way, upstream } = await start();
    await dispatch(way).over;
    // Both in the turn of a timer: the end is there before the request is sent, and nobody has read it.
    const heard = await new Promise<Heard>((resolve) => {
      setTimeout(() => {
        for (const socket of upstream.sockets) close(socket);
        resolve(dispatch(way, post()));
      });
    });
    expect(outcomeOf(await heard.over)).toBe(client === "undici" ? undici : "200 ok");
  });

  describe("a request that waits for its connection", () => {
    test("does not fail for an end right behind the answer before it", async () => {
      const { way } = await start((_request, socket) => void socket.end(okBytes));
      const all = [dispatch(way), dispatch(way, post()), dispatch(way, post())];
      const outcomes = await Promise.all(all.map(async ({ over }) => outcomeOf(await over)));
      // undici writes the second to the connection that has ended.
      expect(outcomes).toEqual(["200 ok", client === "undici" ? "QSP-UPSTREAM" : "200 ok", "200 ok"]);
    });

    test("is not answered by what came right behind the answer before it", async () => {
      const { way, upstream } = await start();
      const poison = (): void => {
        for (const socket of upstream.sockets) socket.write(`${ok}Content-Length: 6\r\n\r\npoison`);
      };
      const first = dispatch(way, {}, { on: (event) => event === "finished" && poison() });
      const second = dispatch(way, post());
      expect(outcomeOf(await first.over)).toBe("200 ok");
      expect(outcomeOf(await second.over)).toBe(client === "undici" ? "200 poison" : "200 ok");
    });
  });

  test("a listener that breaks when it hears of the end keeps no place in its lane", async () => {
    const { way } = await start();
    await new Promise<void>((resolve) => {
      const on = (event: string): void => {
        if (event !== "finished") return;
        resolve();
        throw new Error("broken");
      };
      dispatch(way, {}, { on });
    });
    expect(outcomeOf(await dispatch(way).over)).toBe("200 ok");
  });
});
