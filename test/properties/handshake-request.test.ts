import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { WebSocketServer } from "ws";
import { expect, test } from "vitest";
import { answerBoth, forwarded } from "../security/doors.ts";
import { connectTo } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

/* Handshakes of a browser, good and bad, at our door and at the server of ws: who lets which one in. */

const started = cleanedUp();

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const pick = fc.constantFrom;

/** Mostly what a browser says, now and then something else; each element is one header line. */
const mostly = (
  usual: readonly string[],
  ...others: (readonly string[])[]
): fc.Arbitrary<readonly string[]> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 3, arbitrary: pick(...others) });

const handshake = fc.record({
  method: fc.oneof({ weight: 12, arbitrary: fc.constant("GET") }, pick("POST", "HEAD", "PUT")),
  version: fc.oneof({ weight: 20, arbitrary: fc.constant("1.1") }, fc.constant("1.0")),
  upgrade: mostly(
    ["websocket"],
    ["WebSocket"],
    ["h2c"],
    [],
    ["websocket, h2c"],
    ["websocket", "websocket"],
    ["websocket\u00a0"],
  ),
  connection: mostly(
    ["Upgrade"],
    ["keep-alive, upgrade"],
    ["x", "UPGRADE"],
    [],
    ["close"],
    ["upgraded"],
    ["\u00a0Upgrade"],
  ),
  key: mostly(
    [key],
    [],
    [""],
    ["short"],
    [key, key],
    [`${key}, ${key}`],
    ["dGhlIHNhbXBsZSBub25jZ*=="],
    [`${key}=`],
    [`${key}\u00a0`],
  ),
  wanted: mostly(
    ["13"],
    ["8"],
    ["7"],
    [],
    ["013"],
    ["13.0"],
    ["1.3e1"],
    ["13, 8"],
    ["13", "13"],
    ["0xd"],
    ["13\u00a0"],
  ),
  length: mostly([], ["0"], ["5"], ["00"]),
  coding: mostly([], [], [], ["chunked"]),
  protocols: mostly([], ["qlik"], ["qlik, json"], ["a,,b"], ["a, a"], ["a b"], [""], ["qlik", "json"]),
  extensions: mostly(
    [],
    ["permessage-deflate; client_max_window_bits"],
    ['x; p="a,b"'],
    ["permessage-deflate; x"],
    [","],
  ),
  order: fc.integer(),
  upper: fc.boolean(),
});

type Handshake = typeof handshake extends fc.Arbitrary<infer Value> ? Value : never;

/** The bytes of a handshake, its headers turned round by `order`. */
function bytesOf(origin: string, shake: Handshake): Buffer {
  const all = {
    Host: [new URL(origin).host],
    Origin: [origin],
    "x-test-user": ["ann"],
    Upgrade: shake.upgrade,
    Connection: shake.connection,
    "Sec-WebSocket-Key": shake.key,
    "Sec-WebSocket-Version": shake.wanted,
    "Content-Length": shake.length,
    "Transfer-Encoding": shake.coding,
    "Sec-WebSocket-Protocol": shake.protocols,
    "Sec-WebSocket-Extensions": shake.extensions,
  };
  const groups = Object.entries(all).map(([name, values]) =>
    values.map((value) => `${shake.upper ? name.toUpperCase() : name.toLowerCase()}: ${value}`),
  );
  // Lines of one name keep their order, which has a meaning.
  const turn = Math.abs(shake.order) % groups.length;
  const head = [...groups.slice(turn), ...groups.slice(0, turn)].flat().join("\r\n");
  return Buffer.from(`${shake.method} /qlik/app/a HTTP/${shake.version}\r\n${head}\r\n\r\n`, "latin1");
}

/** Whether a server lets a handshake in. A body that is announced is not sent. */
async function isLetIn(server: string, bytes: Buffer): Promise<boolean> {
  const connection = await connectTo(server);
  connection.write(bytes);
  const text = await connection.until((received) => received.includes("\r\n\r\n"));
  connection.socket.resetAndDestroy();
  await connection.closed;
  return text.startsWith("HTTP/1.1 101 ");
}

/** A server that lets in what ws takes, and answers 404 to whatever is no upgrade. */
async function startReference(): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => ws.on("error", () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.keep({
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where we are stricter than ws, and why. */
const stricter: Readonly<Record<string, (shake: Handshake) => boolean>> = {
  // RFC 6455 knows 13 alone; 8 was a draft, whose frames nobody has checked.
  "a version other than 13, or a number that is 13 in another spelling": ({ wanted }) => wanted[0] !== "13",
  // What follows would be a body to one reader and frames to another.
  "a body": ({ length, coding }) => length.some((each) => each !== "0") || coding.length > 0,
  // RFC 6455 §4.1: HTTP/1.1 or later. An upgrade through a front door of HTTP/1.0 is nobody's.
  "HTTP/1.0": ({ version }) => version === "1.0",
};

const usual: Handshake = {
  method: "GET",
  version: "1.1",
  upgrade: ["websocket"],
  connection: ["Upgrade"],
  key: [key],
  wanted: ["13"],
  length: [],
  coding: [],
  protocols: [],
  extensions: [],
  order: 0,
  upper: false,
};

/** One for each reason, so that each is met in every run. */
const examples: readonly Partial<Handshake>[] = [{ wanted: ["8"] }, { length: ["5"] }, { version: "1.0" }];

test("a handshake is let in where ws lets it in, but for what we are stricter about", async () => {
  const { stack, upstream } = await started.raw(answerBoth);
  const reference = await startReference();
  const seen = { in: 0, out: 0, stricter: new Set<string>() };
  await fc.assert(
    fc.asyncProperty(handshake, async (shake) => {
      const before = forwarded(upstream.seen).length;
      const ours = await isLetIn(stack.origin, bytesOf(stack.origin, shake));
      // We leave both lists to the tenant, which gets them as they came, and check what it selects of them.
      const theirs = await isLetIn(
        reference,
        bytesOf(stack.origin, { ...shake, protocols: [], extensions: [] }),
      );
      const reasons = Object.keys(stricter).filter((each) => stricter[each]?.(shake));
      expect([ours, reasons]).toEqual([theirs && reasons.length === 0, reasons]);
      if (theirs) for (const reason of reasons) seen.stricter.add(reason);
      seen[ours ? "in" : "out"] += 1;
      // A refused one is not heard of by the tenant, as an upgrade or as a request.
      const sent = forwarded(upstream.seen).slice(before);
      expect(sent).toHaveLength(ours ? 1 : 0);
      const listOf = (name: string): string[] =>
        sent.flatMap(({ headers }) => headers.flatMap(([each, value]) => (each === name ? [value] : [])));
      expect(listOf("sec-websocket-protocol")).toEqual(ours ? shake.protocols : []);
      expect(listOf("sec-websocket-extensions")).toEqual(ours ? shake.extensions : []);
      expect(listOf("sec-websocket-key")).toEqual(ours ? [key] : []);
    }),
    { numRuns: 250, examples: examples.map((change) => [{ ...usual, ...change }]) },
  );
  // Neither a door that is shut to all nor one that is open to all would pass, and no reason is there for nothing.
  expect([seen.in > 20, seen.out > 20, seen.stricter.size]).toEqual([
    true,
    true,
    Object.keys(stricter).length,
  ]);
}, 60_000);
