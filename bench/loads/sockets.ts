import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import type { Contender, Standing } from "../contenders/contender.ts";
import { browserHeaders, publicOrigin, userName, usualUsers } from "../site.ts";
import { noise } from "../tenant/answers.ts";
import { forAll, GateFailed, type Load, quantile, type Worked } from "./load.ts";

/** Milliseconds of a round, and of a look at whether a contender is warm. */
const roundTime = 1000;
const probeTime = 500;

/** How long a handshake, or one message, may take. Milliseconds. */
const patience = 30_000;

/** Sockets of one session; the limit is 32 by default. */
const perUser = 25;

/** Opens a socket as a browser would. @throws GateFailed */
async function open(standing: Standing, user: string): Promise<WebSocket> {
  const socket = new WebSocket(`${standing.url.replace("http", "ws")}/app/bench`, {
    headers: Object.fromEntries(browserHeaders(user)),
    origin: publicOrigin,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    handshakeTimeout: patience,
  });
  try {
    await once(socket, "open");
  } catch (error) {
    throw new GateFailed(
      `a socket is not opened: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  socket.on("error", () => {});
  return socket;
}

/** Sends a message and waits for it to come back, byte for byte. @throws GateFailed */
async function echo(socket: WebSocket, message: Buffer): Promise<void> {
  const answer = new Promise<Buffer>((resolve, reject) => {
    const closed = (): void => reject(new GateFailed("a socket is closed in the middle"));
    socket.once("close", closed);
    socket.once("message", (data: Buffer) => {
      socket.off("close", closed);
      resolve(data);
    });
  });
  socket.send(message);
  if (!(await answer).equals(message)) throw new GateFailed("a message does not come back byte for byte");
}

async function close(socket: WebSocket): Promise<void> {
  const closed = once(socket, "close");
  socket.close(1000);
  await closed;
}

const isForSockets = (contender: Contender): boolean => contender.hasSockets && forAll(contender);

/** Everything at once, in as many lanes. */
async function inLanes(lanes: number, work: (lane: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
}

async function check(standing: Standing): Promise<void> {
  const socket = await open(standing, userName(0));
  for (const size of [1, 200, 70_000]) await echo(socket, noise(size));
  await close(socket);
}

async function echoFor(
  time: number,
  standing: Standing,
  { connections, size }: { readonly connections: number; readonly size: number },
): Promise<Worked> {
  const message = noise(size);
  const sockets: WebSocket[] = [];
  await inLanes(connections, async (lane) => {
    sockets.push(await open(standing, userName(lane % usualUsers)));
  });
  const times: number[] = [];
  const startedAt = performance.now();
  await inLanes(connections, async (lane) => {
    const socket = sockets[lane] as WebSocket;
    let at = performance.now();
    while (at - startedAt < time) {
      await echo(socket, message);
      const now = performance.now();
      times.push(now - at);
      at = now;
    }
  });
  const seconds = (performance.now() - startedAt) / 1000;
  for (const socket of sockets) socket.terminate();
  const sorted = times.toSorted((one, other) => one - other);
  return { units: times.length, seconds, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

/** Connections with one message each on its way, back and forth until the time is over. */
const echoes = (
  name: string,
  title: string,
  { connections, size }: { connections: number; size: number },
): Load => ({
  name,
  title,
  stage: "live",
  unit: "round trip",
  isFor: isForSockets,
  check,
  run: (standing) => echoFor(roundTime, standing, { connections, size }),
  probe: (standing) => echoFor(probeTime, standing, { connections, size }),
});

async function shakeHandsFor(time: number, standing: Standing): Promise<Worked> {
  let units = 0;
  const startedAt = performance.now();
  await inLanes(32, async (lane) => {
    while (performance.now() - startedAt < time) {
      await close(await open(standing, userName(lane % usualUsers)));
      units += 1;
    }
  });
  return { units, seconds: (performance.now() - startedAt) / 1000 };
}

const handshakes: Load = {
  name: "handshakes",
  title: "socket opened and closed",
  stage: "live",
  unit: "handshake",
  isFor: isForSockets,
  check,
  run: (standing) => shakeHandsFor(roundTime, standing),
  probe: (standing) => shakeHandsFor(probeTime, standing),
};

/** Opens so many sockets, each with one echo behind it. */
async function openMany(standing: Standing, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  let next = 0;
  await inLanes(Math.min(64, count), async () => {
    while (next < count) {
      const index = next++;
      const socket = await open(standing, userName(Math.floor(index / perUser)));
      sockets.push(socket);
      await echo(socket, Buffer.from("hello"));
    }
  });
  return sockets;
}

async function closeAll(sockets: readonly WebSocket[]): Promise<void> {
  const closed = sockets.map((socket) => once(socket, "close"));
  for (const socket of sockets) socket.terminate();
  await Promise.all(closed);
}

/** Memory of a process settles after the work. Milliseconds. */
const settleTime = 1000;

const idle = (count: number): Load => ({
  name: "idle-sockets",
  title: `${count} idle sockets`,
  stage: "live",
  unit: "socket",
  isFor: isForSockets,
  mostRounds: 1,
  countsMemory: true,
  check,
  async prepare(standing) {
    await closeAll(await openMany(standing, 100));
    await sleep(settleTime);
  },
  async run(standing): Promise<Worked> {
    const startedAt = performance.now();
    const sockets = await openMany(standing, count);
    await sleep(settleTime);
    const memory = standing.usage.memory();
    await closeAll(sockets);
    return { units: sockets.length, seconds: (performance.now() - startedAt) / 1000, memory };
  },
});

/** The loads over WebSockets. Idle ones come first, on processes that have not grown yet. */
export const socketLoads = (idleSockets: number): Load[] => [
  idle(idleSockets),
  echoes("echo", "echo of 200 B, 50 sockets", { connections: 50, size: 200 }),
  echoes("stream", "echo of 1 MiB, 4 sockets", { connections: 4, size: 1024 * 1024 }),
  handshakes,
];
