/* Edge mode as shipped: answers and requests that an edge could be held up with. rules R10, attacks A4 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectTo } from "../support/raw-connection.ts";
import { edgeDoors, type EdgeWorld, startEdgeWorld } from "./edge-mode-doors.ts";
import { createVisitor, wentThroughProxy } from "./edge-mode-visitor.ts";

const file = "/resources/x.js";

describe.each(edgeDoors)("$name", (door) => {
  let world: EdgeWorld;
  beforeAll(async () => {
    world = await startEdgeWorld(door);
    world.app.users.set("Alice", { subject: "alice", email: "alice@example.test" });
  });
  afterAll(() => world.close());

  const { ask } = createVisitor(() => world);
  type Headers = readonly (readonly [string, string])[];
  const answerNext = (status: number, headers: Headers, body = ""): void =>
    world.stack.tenant.enqueue({ path: file, status, headers, body });

  test.each([
    ["a length", "Content-Length: 5", "hello"],
    ["chunks", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"],
  ])("a read with a body of %s does not pass the proxy by", async (_, framing, body) => {
    const before = world.stack.tenant.recordings().length;
    let received = "";
    const slow = await wentThroughProxy(async () => {
      const connection = await connectTo(world.origin);
      const head = [
        `GET /qlik${file} HTTP/1.1`,
        `Host: ${new URL(world.origin).host}`,
        "Sec-Fetch-Site: same-origin",
        framing,
        "Connection: close",
      ];
      connection.write(`${head.join("\r\n")}\r\n\r\n${body}`);
      await connection.closed;
      ({ received } = connection);
    });
    const reached = world.stack.tenant.recordings().length - before;
    const status = received.split(" ")[1];
    // The proxy takes no body with a read.
    const isSeen = framing.startsWith("Content-Length") || door.seesChunks;
    expect([slow, status]).toEqual(isSeen ? [true, "400"] : [false, "413"]);
    // What is broken off may have begun.
    expect(isSeen && reached > 0).toBe(false);
  });

  test.each([301, 302, 401, 403])("a %i for a file that is nobody's ends somewhere", async (status) => {
    answerNext(status, [["Location", "https://acme.example/login"]]);
    const answer = await ask(`/qlik${file}`, null);
    // Where the proxy asks again, the tenant has no such file.
    expect(answer.status).toBe(door.asksAgain ? 404 : status);
    expect(answer.header("location")).toBeUndefined();
  });

  test("an answer leads the browser nowhere, and what it has stored stays as it is", async () => {
    answerNext(
      200,
      [
        ["Content-Type", "text/javascript"],
        ["Location", "https://acme.example/"],
      ],
      "1",
    );
    const script = await ask(`/qlik${file}`, null);
    expect([script.text, script.header("location"), script.header("content-security-policy")]).toEqual([
      "1",
      undefined,
      undefined,
    ]);
    answerNext(304, [["ETag", '"1"']]);
    const unchanged = await ask(`/qlik${file}`, null, { headers: { "if-none-match": '"1"' } });
    expect([unchanged.status, unchanged.header("content-security-policy")]).toEqual([304, undefined]);
    answerNext(200, [], "<script>");
    const untyped = await ask(`/qlik${file}`, null);
    expect([untyped.text, untyped.header("content-security-policy")]).toEqual([
      "<script>",
      expect.stringMatching(/^sandbox;/),
    ]);
  });
});
