import fc from "fast-check";
import { WebSocket } from "ws";
import { expect, test } from "vitest";
import { acceptFor } from "../../src/ws/handshake.ts";
import { connectTo } from "../support/raw-connection.ts";
import { handshake } from "../support/raw-handshake.ts";
import type { SeenRequest } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

/* Answers of a tenant to a handshake, good and bad, to us and to the client of ws: who takes which one. */

const started = cleanedUp();

const pick = fc.constantFrom;

/** Mostly what a tenant says, now and then something else; each element is one header line. */
const mostly = (
  usual: readonly string[],
  ...others: (readonly string[])[]
): fc.Arbitrary<readonly string[]> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 4, arbitrary: pick(...others) });

const right = "right";

const answer = fc.record({
  offersProtocols: fc.boolean(),
  offersDeflate: fc.boolean(),
  upgrade: mostly(
    ["websocket"],
    ["WebSocket"],
    ["h2c"],
    ["websocket, h2c"],
    ["websocket", "websocket"],
    ["websocket\u00a0"],
  ),
  connection: mostly(["Upgrade"], ["keep-alive, upgrade"], [], ["close"], ["x", "UPGRADE"]),
  accept: mostly([right], [], ["wrong"], [right, right], [`${right}\u00a0`], [`${right}, ${right}`]),
  protocol: mostly(
    [],
    ["qlik"],
    ["json"],
    ["other"],
    ["qlik, json"],
    ["QLIK"],
    ["qlik", "qlik"],
    ["qlik", "json"],
    ["qlik\u00a0"],
  ),
  extensions: mostly(
    [],
    ["permessage-deflate"],
    ["permessage-deflate; server_no_context_takeover"],
    ["permessage-deflate; bogus=1"],
    ["x-evil"],
    ["permessage-deflate, x-evil"],
    ["permessage-deflate", "x-evil"],
    ['permessage-deflate; p="\\"", x-evil'],
    ['permessage-deflate; p="a, x-evil'],
    ["permessage-deflate\u00a0"],
    ["Permessage-Deflate"],
    ["permessage-deflate,"],
    [","],
    [""],
  ),
  upper: fc.boolean(),
});

type Answer = typeof answer extends fc.Arbitrary<infer Value> ? Value : never;

/** The bytes of an answer to a request with a key. */
function bytesOf(given: Answer, request: SeenRequest): Buffer {
  const rightAccept = acceptFor(request.header("sec-websocket-key") ?? "");
  const all = {
    Upgrade: given.upgrade,
    Connection: given.connection,
    "Sec-WebSocket-Accept": given.accept.map((each) => each.replaceAll(right, rightAccept)),
    "Sec-WebSocket-Protocol": given.protocol,
    "Sec-WebSocket-Extensions": given.extensions,
  };
  const lines = Object.entries(all).flatMap(([name, values]) =>
    values.map((value) => `${given.upper ? name.toUpperCase() : name}: ${value}`),
  );
  return Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Whether ws, as the browser, would take the answer of a tenant. */
function isTakenByWs(origin: string, given: Answer): Promise<boolean> {
  const { port } = new URL(origin);
  // RFC 6455 §4.1 lets a server select no sub-protocol; ws does not, so it offers none where none is selected.
  const protocols = given.offersProtocols && given.protocol.length > 0 ? ["qlik", "json"] : [];
  const ws = new WebSocket(`ws://127.0.0.1:${port}/app/a`, protocols, {
    perMessageDeflate: given.offersDeflate,
  });
  return new Promise((resolve) => {
    const done = (isTaken: boolean) => (): void => {
      resolve(isTaken);
      ws.terminate();
    };
    ws.on("open", done(true));
    ws.on("error", done(false));
  });
}

/** What a browser that makes the same offer is told by us. */
async function toldByUs(origin: string, given: Answer): Promise<string> {
  const connection = await connectTo(origin);
  const headers = {
    "sec-websocket-protocol": given.offersProtocols ? "qlik, json" : null,
    "sec-websocket-extensions": given.offersDeflate ? "permessage-deflate; client_max_window_bits" : null,
  };
  connection.write(handshake(origin, { headers }));
  const text = await connection.until((received) => received.includes("\r\n\r\n"));
  connection.socket.resetAndDestroy();
  await connection.closed;
  return text;
}

/** Where we take what ws does not, and why. */
const looser: Readonly<Record<string, (given: Answer) => boolean>> = {
  // Parameters are agreed on by the two ends that speak the extension; we pass them on as they are, and read no frame.
  "a parameter that deflate does not have": ({ extensions, offersDeflate }) =>
    offersDeflate && extensions[0] === "permessage-deflate; bogus=1",
};
const usual: Answer = {
  offersProtocols: false,
  offersDeflate: true,
  upgrade: ["websocket"],
  connection: ["Upgrade"],
  accept: [right],
  protocol: [],
  extensions: [],
  upper: false,
};

/** Met in every run. */
const examples: readonly (readonly string[])[] = [
  ["permessage-deflate; bogus=1"],
  ['permessage-deflate; p="\\"", x-evil'],
  ['permessage-deflate; p="\\"", x-evil; q="\\""'],
  ['permessage-deflate; p="a, x-evil'],
];

test("an answer is taken where ws takes it, but for what we differ in, and the browser is told what was selected", async () => {
  let said = usual;
  const { stack, upstream } = await started.raw((request, socket) => socket.write(bytesOf(said, request)));
  const seen = { taken: 0, refused: 0, looser: 0 };
  await fc.assert(
    fc.asyncProperty(answer, async (given) => {
      said = given;
      const text = await toldByUs(stack.origin, given);
      const ours = text.startsWith("HTTP/1.1 101 ");
      const isLooser = Object.values(looser).some((each) => each(given));
      // What is looser is asked again without it, so that it hides no other fault.
      if (isLooser) said = { ...given, extensions: [] };
      const theirs = await isTakenByWs(upstream.origin, given);
      expect(ours).toBe(theirs);
      seen[ours ? "taken" : "refused"] += 1;
      if (ours && isLooser) seen.looser += 1;
      const selected = ["protocol", "extensions"].map((name) =>
        [...text.matchAll(new RegExp(`^sec-websocket-${name}: (.*)$`, "gim"))].map(([, value]) =>
          value?.trim(),
        ),
      );
      expect(selected).toEqual(ours ? [given.protocol, given.extensions] : [[], []]);
    }),
    {
      numRuns: 250,
      examples: examples.map((extensions) => [{ ...usual, extensions }]),
    },
  );
  expect([seen.taken > 20, seen.refused > 20, seen.looser > 0]).toEqual([true, true, true]);
}, 60_000);
