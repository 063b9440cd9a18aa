/*
 * Every listener of "upgrade" hears of every upgrade, and many end what is not theirs: the hand-out of `ws` for several paths
 * destroys it, `ws` with a server and a path answers 400, socket.io closes it where nobody has answered within a second, which
 * a first login can take. Our sockets died of each.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { cleanedUp } from "../support/started.ts";
import { testSocket } from "../support/stack.ts";

const started = cleanedUp();
const engine = "/app/engineData";

type Neighbour = (server: Server) => void;
const neighbours: readonly (readonly [string, Neighbour])[] = [
  [
    "destroys what is not its own",
    (server) => {
      const sockets = new WebSocketServer({ noServer: true });
      server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (request.url !== "/chat") return void socket.destroy();
        sockets.handleUpgrade(request, socket, head, (ws) => ws.send("chat"));
      });
    },
  ],
  [
    "answers 400 to what is not its own",
    (server) => {
      new WebSocketServer({ server, path: "/chat" }).on("connection", (ws) => ws.send("chat"));
    },
  ],
  [
    "takes whatever comes",
    (server) => {
      new WebSocketServer({ server }).on("connection", (ws) => ws.send("chat"));
    },
  ],
];

test.each(neighbours)(
  "a listener before or after us that %s leaves us our sockets",
  async (_name, listen) => {
    const stack = await started.stack();
    listen(stack.server);
    const [own] = stack.server.listeners("upgrade");
    const askBoth = async (): Promise<void> => {
      expect(await stack.socket(engine).message()).toContain("OnConnected");
      expect((await stack.socket("/api/v1/events").refused).status).toBe(404);
      const url = `${stack.origin.replace("http", "ws")}/chat`;
      const chat = testSocket(url, { origin: stack.origin });
      expect(await chat.message()).toBe("chat");
      chat.ws.terminate();
    };
    await askBoth();
    // The same, as if it had been there before us.
    stack.server.off("upgrade", own as () => void).on("upgrade", own as () => void);
    await askBoth();
  },
);

test("a listener that ends what nobody has answered in time does not end a slow handshake", async () => {
  const stack = await started.stack({
    before: [(_request, _response, next) => void setTimeout(next, 60)],
  });
  let ended = 0;
  stack.server.on("upgrade", (_request: IncomingMessage, socket: Duplex & { bytesWritten: number }) => {
    setTimeout(() => {
      if (!socket.writable || socket.bytesWritten > 0) return;
      ended += 1;
      socket.end();
    }, 20);
  });
  expect(await stack.socket(engine).message()).toContain("OnConnected");
  const stranger = testSocket(`${stack.origin.replace("http", "ws")}/nobody`, { origin: stack.origin });
  await stranger.closed;
  expect(ended).toBe(1);
});
