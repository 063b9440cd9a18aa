import { once } from "node:events";
import type { Socket } from "node:net";
import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { verdictOf } from "../verdict.ts";
import type { Connection } from "../wire/connection.ts";
import { accept, serverFrame } from "../wire/sockets.ts";
import { upgrade } from "./upgrades.ts";

/** A frame of 64 KiB; a client's is masked with zeros. */
const bigFrame = (masked: boolean): string =>
  `\x82${masked ? "\xff" : "\x7f"}\0\0\0\0\0\x01\0\0${masked ? "\0\0\0\0" : ""}${"x".repeat(65_536)}`;

/** What is pushed at a side that does not read; more than the buffers of two connections hold. Bytes. */
const floodSize = 96 * 1024 * 1024;

/** Pushes frames until no more are taken for a second; returns the bytes that were taken. */
async function flood(socket: Socket, masked: boolean): Promise<number> {
  const frame = Buffer.from(bigFrame(masked), "latin1");
  let taken = 0;
  while (taken < floodSize) {
    if (socket.destroyed) break;
    if (!socket.write(frame)) {
      const isDrained = await once(socket, "drain", { signal: AbortSignal.timeout(1000) }).then(
        () => true,
        () => false,
      );
      if (!isDrained) break;
    }
    taken += frame.length;
  }
  return taken;
}

/** Opens a socket; gives the client's end and the upstream's. */
async function openSocket(
  bout: Bout,
): Promise<{ readonly connection: Connection; readonly upstream: Socket | undefined }> {
  let upstream: Socket | undefined;
  bout.script((exchange) => {
    accept(exchange, serverFrame("welcome"));
    upstream = exchange.request.connection.socket;
  });
  const connection = await bout.connect();
  connection.write(bout.head(upgrade(bout)));
  await connection.until((text) => text.includes("welcome"), 4000);
  return { connection, upstream };
}

/** Sides that push while the other does not read. */
export const websocketFloods: readonly Attack[] = [
  {
    id: "W11-client-stalls",
    tries: "stops reading while the upstream pushes, so that the proxy has to keep it all",
    uses: ["socketPath"],
    run: async (bout) => {
      const { connection, upstream } = await openSocket(bout);
      connection.socket.pause();
      const taken = upstream ? await flood(upstream, false) : 0;
      connection.destroy();
      upstream?.destroy();
      return verdictOf(taken >= floodSize ? [`${floodSize >> 20} MiB were taken from the upstream`] : []);
    },
  },
  {
    id: "W12-upstream-stalls",
    tries: "pushes while the upstream does not read, so that the proxy has to keep it all",
    uses: ["socketPath"],
    run: async (bout) => {
      const { connection, upstream } = await openSocket(bout);
      upstream?.pause();
      const taken = await flood(connection.socket, true);
      connection.destroy();
      upstream?.destroy();
      return verdictOf(taken >= floodSize ? [`${floodSize >> 20} MiB were taken from the client`] : []);
    },
  },
];
