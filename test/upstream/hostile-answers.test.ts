/* Answers, and ends of connections, that come at the worst moment; attacks M4, M5, M7, M8, rules R12. */
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { answerOk, startRawUpstream, type RawHandler } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients, dispatch, outcomeOf, pieces, wayTo, type Heard } from "./clients.ts";

const started = cleanedUp();

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
});
