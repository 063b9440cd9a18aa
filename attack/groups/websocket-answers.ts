import { setTimeout as sleep } from "node:timers/promises";
import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { held, verdictOf } from "../verdict.ts";
import { accept, messagesIn, serverFrame, switching } from "../wire/sockets.ts";
import { findIn, findSmuggled, hiddenRequest, tryAll } from "./trials.ts";
import { upgrade } from "./upgrades.ts";

/** Answers with which an upstream says no to an upgrade, its connection left open. */
const refusals: readonly (readonly [what: string, head: string])[] = [
  ["200", "200 OK"],
  ["302", "302 Found\r\nLocation: /elsewhere"],
  ["401", "401 Unauthorized"],
  ["403", "403 Forbidden"],
  ["404", "404 Not Found"],
  ["426", "426 Upgrade Required"],
  ["500", "500 Internal Server Error"],
];

/** Opens an upgrade, waits for its answer, and then writes the hidden request on the same connection. */
async function writeBehindRefusal(trial: Bout, head: string): Promise<void> {
  trial.script(({ write }) => write(`HTTP/1.1 ${head}\r\nContent-Length: 2\r\n\r\nno`));
  const connection = await trial.connect();
  connection.write(trial.head(upgrade(trial)));
  await trial.listen(connection);
  connection.write(hiddenRequest(trial));
  await trial.upstream.until(() => connection.isClosed || findSmuggled(trial).length > 0, 400);
  connection.destroy();
}

/** Sends a handshake, lets the upstream answer with these bytes, and reads what the client gets. */
async function openWith(
  trial: Bout,
  answer: (exchange: Parameters<typeof switching>[0]) => string,
): ReturnType<Bout["send"]> {
  trial.script((exchange) => {
    exchange.tunnel();
    exchange.write(answer(exchange));
  });
  return trial.send(upgrade(trial));
}

/** What an upstream's answer to an upgrade may do. */
export const websocketAnswers: readonly Attack[] = [
  {
    id: "W7-early-bytes",
    tries: "hides a request in the bytes right behind the upgrade, before it is answered",
    uses: ["socketPath"],
    run: async (bout) => {
      bout.script(async (exchange) => {
        await sleep(150);
        accept(exchange, serverFrame("welcome"));
      });
      const connection = await bout.connect();
      connection.write(bout.head(upgrade(bout)) + hiddenRequest(bout));
      await connection.until((text) => text.includes("welcome"), 4000);
      await bout.settle();
      connection.destroy();
      const early = bout.upstream.seen(`smuggled-${bout.tag}`);
      return verdictOf(early.map(({ line }) => `"${line}" came to the upstream before it had said yes`));
    },
  },
  {
    id: "W7-glued-frames",
    tries: "loses or repeats a message that comes in the same packet as the 101",
    uses: ["socketPath"],
    run: async (bout) => {
      bout.script((exchange) => accept(exchange, serverFrame("first") + serverFrame("second")));
      const connection = await bout.connect();
      connection.write(bout.head(upgrade(bout)));
      await connection.until((text) => text.includes("second"), 4000);
      await connection.silent(100);
      connection.destroy();
      const messages = messagesIn(connection.received.slice(connection.received.indexOf("\r\n\r\n") + 4));
      return messages.join() === "first,second"
        ? held()
        : verdictOf([`the messages "${messages.join()}" came`]);
    },
  },
  {
    id: "W8-tunnel-behind-refusal",
    tries: "goes on writing after the upstream has refused the upgrade, to reach it past the proxy",
    advisory: "WebSocket smuggling",
    uses: ["socketPath"],
    run: async (bout) => {
      const trials = await tryAll(bout, refusals, writeBehindRefusal);
      return verdictOf(
        trials.flatMap(({ what, trial }) =>
          findSmuggled(trial).map((finding) => `after ${what}: ${finding}`),
        ),
      );
    },
  },
  {
    id: "W8-tunnel-behind-odd-101",
    tries: "gets a tunnel by a 101 that switches to nothing",
    needs: ["handshake"],
    uses: ["socketPath"],
    run: async (bout) => {
      const { answer } = await openWith(bout, () => "HTTP/1.1 101 Switching Protocols\r\n\r\n");
      return verdictOf(answer?.status === 101 ? ["the 101 without Upgrade reached the client"] : []);
    },
  },
  {
    id: "W8-cookie-in-refusal",
    tries: "gets the upstream's cookie out of a refused upgrade",
    needs: ["jar"],
    uses: ["socketPath"],
    run: async (bout) => {
      bout.script(({ write }) =>
        write(`HTTP/1.1 404 Not Found\r\nSet-Cookie: late=${bout.tag}c\r\nContent-Length: 0\r\n\r\n`),
      );
      const talk = await bout.send(upgrade(bout));
      return verdictOf(findIn(talk, [["the cookie of the refusal", `${bout.tag}c`]]));
    },
  },
  {
    id: "W8-headers-in-refusal",
    tries: "lets a refused upgrade act on the page's origin, or name the upstream",
    needs: ["answers"],
    uses: ["socketPath"],
    run: async (bout) => {
      const { authority } = bout.upstream;
      const head = `302 Found\r\nLocation: http://${authority}/inside\r\nClear-Site-Data: "*"\r\nServer: inner/1`;
      bout.script(({ write }) => write(`HTTP/1.1 ${head}\r\nContent-Length: 0\r\n\r\n`));
      const talk = await bout.send(upgrade(bout));
      return verdictOf(
        findIn(talk, [
          ["the upstream's address", authority],
          ["Clear-Site-Data", "clear-site-data"],
          ["the upstream's name", "inner/1"],
        ]),
      );
    },
  },
  {
    id: "W9-false-answers",
    tries: "answers a handshake with something that was not asked for",
    needs: ["handshake"],
    uses: ["socketPath"],
    run: async (bout) => {
      type Made = (exchange: Parameters<typeof switching>[0]) => string;
      const answers: readonly (readonly [what: string, made: Made])[] = [
        ["a wrong Sec-WebSocket-Accept", (exchange) => switching(exchange, { accept: "d3Jvbmc=" })],
        ["a sub-protocol", (exchange) => switching(exchange, { lines: ["Sec-WebSocket-Protocol: evil"] })],
        ["an extension", (exchange) => switching(exchange, { lines: ["Sec-WebSocket-Extensions: evil"] })],
        ["a second accept", (exchange) => switching(exchange, { lines: ["Sec-WebSocket-Accept: d3Jvbmc="] })],
        ["another protocol", (exchange) => switching(exchange).replace("Upgrade: websocket", "Upgrade: h2c")],
      ];
      const opened: string[] = [];
      await tryAll(
        bout,
        answers.map(([what, made]) => [what, { what, made }] as const),
        async (trial, { what, made }) => {
          if ((await openWith(trial, made)).answer?.status === 101) opened.push(`${what} opened the socket`);
        },
      );
      return verdictOf(opened);
    },
  },
  {
    id: "W9-cookie-in-101",
    tries: "gets the upstream's cookie out of an opened socket's 101",
    needs: ["jar"],
    uses: ["socketPath"],
    run: async (bout) => {
      const talk = await openWith(bout, (exchange) =>
        switching(exchange, { lines: [`Set-Cookie: late=${bout.tag}c; Path=/`] }),
      );
      return verdictOf(findIn(talk, [["the cookie of the 101", `${bout.tag}c`]]));
    },
  },
  {
    id: "W9-headers-in-101",
    tries: "lets the 101 act on the page's origin",
    needs: ["answers"],
    uses: ["socketPath"],
    run: async (bout) => {
      const lines = ["Strict-Transport-Security: max-age=9", 'Clear-Site-Data: "*"', 'Alt-Svc: h3=":1"'];
      const talk = await openWith(bout, (exchange) => switching(exchange, { lines }));
      return verdictOf(
        findIn(
          talk,
          lines.map((line) => [line.split(":")[0] ?? "", `${line.split(":")[0] ?? ""}:`] as const),
        ),
      );
    },
  },
  {
    id: "W10-upgrade-with-body",
    tries: "hides a request in the body of an upgrade",
    advisory: "CVE-2026-69243",
    uses: ["socketPath"],
    run: async (bout) => {
      const hidden = hiddenRequest(bout);
      bout.script(({ write }) => write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
      const lines = [`Content-Length: ${hidden.length}`];
      await bout.talk(bout.head(upgrade(bout, { lines })) + hidden, ["GET"], { ms: 4000 });
      await bout.settle();
      const smuggled = findSmuggled(bout);
      if (smuggled.length > 0 || !bout.target.claims.has("handshake")) return verdictOf(smuggled);
      return verdictOf(bout.seen.map(({ line }) => `"${line}" with a body reached the upstream`));
    },
  },
  {
    id: "W17-owned-parameters",
    tries: "brings a token of its own, in the query or in a header, beside the proxy's",
    uses: ["socketPath", "owned"],
    run: async (bout) => {
      const evil = `evil${bout.tag}`;
      const { owned, socketPath = "/", writePath } = bout.target;
      const query = owned.map((name) => `${name}=${evil}`).join("&");
      const lines = owned.map((name) => `${name}: ${evil}`);
      const spelled = query.replaceAll("q", "%71");
      for (const each of [query, spelled]) {
        await bout.send(upgrade(bout, { target: bout.at(`${socketPath}?${each}`), lines }));
        await bout.send({ method: "POST", target: bout.at(`${writePath}?${each}`), lines, body: "x" });
      }
      await bout.settle();
      return verdictOf(
        bout.seen
          .filter(({ target, headers }) => `${target}${JSON.stringify(headers)}`.includes(evil))
          .map(({ line }) => `the client's token reached the upstream: ${line}`),
      );
    },
  },
];
