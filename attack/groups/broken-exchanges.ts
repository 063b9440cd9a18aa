import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { held, type Verdict, verdictOf } from "../verdict.ts";
import { plainAnswer } from "../wire/upstream.ts";
import { findSmuggled, hiddenRequest } from "./trials.ts";

/** How long an end is waited for that must come by itself. Milliseconds. */
const endTime = 5000;

const noEnd = `no end within ${endTime / 1000} s`;

/** A cut answer must be seen as cut; `bytes` are what the upstream sends before it closes. */
async function showsTheCut(
  bout: Bout,
  cuts: readonly (readonly [what: string, bytes: string])[],
): Promise<Verdict> {
  const found: string[] = [];
  for (const [what, bytes] of cuts) {
    const trial = bout.again();
    trial.script(async ({ whole, write, end }) => {
      await whole;
      write(bytes);
      // The head is on its way when the connection ends, or there would be nothing that could be cut.
      setTimeout(() => end(), 60);
    });
    const { answer, isClosed, text } = await trial.send({}, { ms: endTime });
    if (answer === undefined && text !== "") continue;
    if (answer !== undefined && answer.status >= 500) continue;
    if (answer?.complete && endsByItself(answer.head)) found.push(`${what}: the client takes it for whole`);
    else if (!isClosed) found.push(`${what}: ${noEnd}`);
  }
  return verdictOf(found);
}

/** Whether an answer has a framing of its own; one that ends with its connection says nothing when it is cut. */
const endsByItself = (head: string): boolean => /^(?:content-length|transfer-encoding):/im.test(head);

/** Answers early, and then closes or waits. */
async function answersEarly(bout: Bout, closes: boolean): Promise<Verdict> {
  bout.script(({ write, end }) => {
    const bytes = plainAnswer({ method: "POST" }, "early");
    if (closes) end(bytes);
    else write(bytes);
  });
  const hidden = hiddenRequest(bout);
  const connection = await bout.connect();
  const body = "x".repeat(200_000) + hidden;
  const head = bout.head({ method: "POST", target: bout.write, lines: [`Content-Length: ${body.length}`] });
  connection.write(head + body.slice(0, 100_000));
  await bout.listen(connection, ["POST"], { ms: 1000 });
  connection.write(body.slice(100_000));
  const { answer, isClosed } = await bout.listen(connection, ["POST"], { ms: endTime });
  await bout.settle();
  connection.destroy();
  if (answer === undefined && !isClosed) return verdictOf([noEnd]);
  return verdictOf(findSmuggled(bout));
}

/** Exchanges that do not come to their end as they should. */
export const brokenExchanges: readonly Attack[] = [
  {
    id: "M3-client-leaves",
    tries: "leaves in the middle of a body, so that the rest of the connection is somebody else's",
    run: async (bout) => {
      const connection = await bout.connect();
      const hidden = hiddenRequest(bout);
      connection.write(
        `${bout.head({ method: "POST", target: bout.write, lines: ["Content-Length: 5000"] })}half a body`,
      );
      if (!(await bout.arrived())) return held();
      connection.destroy();
      const upstream = bout.seen[0]?.connection;
      const isOver = await bout.upstream.until(() => upstream?.isClosed ?? false, endTime);
      await bout.again().send({ method: "POST", target: bout.write, body: hidden });
      await bout.settle();
      return verdictOf([
        ...(isOver ? [] : [`the upstream still waits for the rest after ${endTime / 1000} s`]),
        ...findSmuggled(bout),
      ]);
    },
  },
  {
    id: "M4-early-answer",
    tries: "leaves the rest of a body on a connection whose answer came early",
    run: (bout) => answersEarly(bout, false),
  },
  {
    id: "M4-early-answer-and-close",
    tries: "hangs a client whose answer came before its body was read",
    run: (bout) => answersEarly(bout, true),
  },
  {
    id: "M4-closed-without-answer",
    tries: "hangs a client, or ends the process, by closing instead of answering",
    run: async (bout) => {
      bout.script(async ({ whole, end }) => {
        await whole;
        end();
      });
      const found: string[] = [];
      for (const method of ["GET", "POST", "HEAD", "DELETE"]) {
        const { answer, isClosed } = await bout.send(
          { method, target: bout.write, body: "x" },
          { ms: endTime },
        );
        if (!answer && !isClosed) found.push(`${method}: ${noEnd}`);
      }
      return verdictOf(found);
    },
  },
  {
    id: "M5-cut-answers",
    tries: "cuts an answer, so that the client takes it for a whole one or waits without end",
    deadline: 60_000,
    run: (bout) =>
      showsTheCut(bout, [
        ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"],
        ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
        ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf"],
        [
          "a broken chunk",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\nrest\r\n0\r\n\r\n",
        ],
        [
          "JSON",
          'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n',
        ],
      ]),
  },
  {
    id: "M5-cut-compression",
    tries: "has a compressed answer that was cut taken for a whole one",
    run: async (bout) => {
      const whole = gzipSync(JSON.stringify({ a: "x".repeat(2000), b: 1 })).toString("latin1");
      const half = whole.slice(0, whole.length / 2);
      bout.answerWith(
        plainAnswer({ method: "GET" }, half, ["Content-Encoding: gzip"]).replace(
          "text/plain",
          "application/json",
        ),
      );
      const { answer, isClosed } = await bout.send({ lines: ["Accept-Encoding: gzip"] }, { ms: endTime });
      if (answer === undefined || answer.status >= 500) return held();
      if (!answer.complete) return isClosed ? held() : verdictOf([noEnd]);
      return answer.body === half ? held() : verdictOf(["half of it was passed on as another whole"]);
    },
  },
  {
    id: "M5-too-long",
    tries: "has what stands behind an answer's end taken for the next answer",
    run: async (bout) => {
      const late = `poison-${bout.tag}`;
      const poison = plainAnswer({ method: "GET" }, late);
      bout.answerWith(`${plainAnswer({ method: "GET" }, "x")}${poison}`);
      return findsNoPoison(bout, late, [{}]);
    },
  },
  {
    id: "M7-bodies-that-are-none",
    tries: "has the body of an answer that can have none taken for the next answer",
    run: async (bout) => {
      const late = `poison-${bout.tag}`;
      const poison = plainAnswer({ method: "GET" }, late);
      bout.script(async ({ request, whole, write }) => {
        await whole;
        const status = /as=(\d+)/.exec(request.target)?.[1] ?? "200";
        write(`HTTP/1.1 ${status} OK\r\nContent-Length: ${poison.length}\r\n\r\n${poison}`);
      });
      const asks = ["204", "304"].map((status) => ({ target: `${bout.read}&as=${status}` }));
      return findsNoPoison(bout, late, [...asks, { method: "HEAD" }]);
    },
  },
  {
    id: "M7-unasked-answers",
    tries: "has an answer that came while nobody asked taken for the next one",
    advisory: "CVE-2026-6733",
    run: async (bout) => {
      const late = `poison-${bout.tag}`;
      bout.script(async ({ whole, write }) => {
        await whole;
        write(plainAnswer({ method: "GET" }, "x"));
        setTimeout(() => write(plainAnswer({ method: "GET" }, late)), 10);
      });
      await bout.send({});
      await sleep(120);
      return verdictOf(await findPoison(bout, late));
    },
  },
  {
    id: "M7-answers-for-another",
    tries: "has an answer that comes a moment after the user's own taken for the answer to another user",
    advisory: "CVE-2026-48931",
    uses: ["other"],
    run: async (bout) => {
      const late = `poison-${bout.tag}`;
      const found: string[] = [];
      for (const ms of [0, 0, 1, 1, 2, 4, 8]) {
        const trial = bout.again();
        trial.script(async ({ whole, write }) => {
          await whole;
          write(plainAnswer({ method: "GET" }, "x"));
          setTimeout(() => write(plainAnswer({ method: "GET" }, late)), ms);
        });
        await trial.send({});
        const { text } = await bout.again().send({ as: "other" });
        if (text.includes(late)) found.push(`the other's request got it, ${ms} ms after the user's`);
      }
      // What is still under way may be taken for the same user's next answer: HTTP/1.1 cannot tell, and nobody else is hurt.
      await bout.settle();
      await bout.again().send({});
      return verdictOf(found);
    },
  },
  {
    id: "M8-closed-when-idle",
    tries: "has a request with effects sent twice when the upstream closes on it",
    run: async (bout) => {
      await bout.again().send({});
      bout.script(async ({ whole, end }) => {
        await whole;
        end();
      });
      const { answer, isClosed } = await bout.send(
        { method: "POST", target: bout.write, body: "once" },
        { ms: endTime },
      );
      await bout.settle();
      return verdictOf([
        ...(bout.seen.length > 1 ? [`the POST was sent ${bout.seen.length} times`] : []),
        ...(answer === undefined && !isClosed ? [noEnd] : []),
      ]);
    },
  },
];

/** Sends the asks, and then requests of both users; holds if none of them sees the poison. */
async function findsNoPoison(
  bout: Bout,
  poison: string,
  asks: readonly Parameters<Bout["send"]>[0][],
): Promise<Verdict> {
  const found: string[] = [];
  for (const ask of asks) {
    const talk = await bout.send(ask);
    if (talk.answer?.body.includes(poison) || talk.rest.includes(poison))
      found.push("the client got it at once");
    found.push(...(await findPoison(bout, poison)));
  }
  return verdictOf(found);
}

/** Sends requests of both users and looks whether one of them gets what is not its own. */
async function findPoison(bout: Bout, poison: string): Promise<string[]> {
  const found: string[] = [];
  const order = bout.target.other
    ? (["user", "other", "other", "user"] as const)
    : (["user", "user"] as const);
  for (const as of order) {
    const next = await bout.again().send({ as });
    if (next.text.includes(poison)) found.push(`the next request of the ${as} got it`);
    else if (next.answer?.body !== `owner=${as};`)
      found.push(`the next request of the ${as} got ${next.text}`);
  }
  return found;
}
