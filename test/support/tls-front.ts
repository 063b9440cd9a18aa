import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import * as tls from "node:tls";
import { generate } from "selfsigned";

/** What happens to a connection that comes to a TLS front. */
export type TlsMode =
  /** TLS is made, and what it protects goes to the server behind. */
  | "pass"
  /** It is taken, and not a byte is answered. */
  | "mute"
  /** It is reset at its first bytes. */
  | "reset"
  /** It is reset as soon as it is there. */
  | "drop"
  /** It is answered with an alert: the handshake has failed. RFC 8446 §6.2 */
  | "alert"
  /** It is answered in plain HTTP. */
  | "plain";

/** TLS in front of a server without it, whose connections can be spoiled. */
export interface TlsFront {
  readonly origin: string;
  /** To be trusted by whoever connects, in PEM. */
  readonly certificate: string;
  /** For connections from now on. */
  mode: TlsMode;
  /** Connections that are open, below their TLS. */
  readonly open: ReadonlySet<Socket>;
  /** Connections that were taken so far. */
  readonly taken: number;
  close(): Promise<void>;
}

/** A record of TLS 1.2 with a fatal alert. */
const handshakeFailure = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);

/** Starts TLS for `tenant.localhost` in front of a server of the test. Whoever starts it closes it. */
export async function startTlsFront(target: string): Promise<TlsFront> {
  const name = "tenant.localhost";
  const pair = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: name }] }],
  });
  const open = new Set<Socket>();
  const secured = tls.createServer({ cert: pair.cert, key: pair.private }, (near) =>
    join(near, connect(Number(new URL(target).port), "127.0.0.1")),
  );
  secured.on("tlsClientError", () => {});
  let taken = 0;
  // A server of its own before TLS: what is wrapped in TLS cannot be reset.
  const server = createServer((socket) => {
    taken += 1;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    if (front.mode === "pass") join(socket, connect(portOf(secured), "127.0.0.1"));
    else if (front.mode === "mute") socket.resume();
    else if (front.mode === "reset") socket.once("data", () => socket.resetAndDestroy());
    else if (front.mode === "alert") socket.once("data", () => socket.end(handshakeFailure));
    else if (front.mode === "plain")
      socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    else socket.resetAndDestroy();
  });
  for (const each of [secured, server]) {
    each.listen(0, "127.0.0.1");
    await once(each, "listening");
  }
  const front: TlsFront = {
    origin: `https://${name}:${portOf(server)}`,
    certificate: pair.cert,
    mode: "pass",
    open,
    get taken() {
      return taken;
    },
    async close() {
      for (const socket of open) socket.destroy();
      for (const each of [server, secured]) {
        each.close();
        await once(each, "close");
      }
    },
  };
  return front;
}

const portOf = (server: tls.Server | ReturnType<typeof createServer>): number =>
  (server.address() as AddressInfo).port;

/** Passes bytes both ways; where one side is gone, the other goes too. */
function join(near: Socket, far: Socket): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}
