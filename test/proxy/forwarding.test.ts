import * as http from "node:http";
import { describe, expect, test } from "vitest";
import { send } from "../support/raw-client.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { forwarded } from "../support/raw-upstream.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { cleanedUp, echoRule } from "../support/started.ts";
import { subjectAt, tenantKind } from "../support/tenant-kind.ts";

const started = cleanedUp();

describe("methods and targets", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s arrives as it was sent, with and without a body",
    async (method) => {
      const { stack, upstream } = await started.raw((request, socket) => {
        socket.write(
          request.method === "HEAD"
            ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
            : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        );
      });
      const bare = await stack.get("/api/v1/echo/a", { method });
      const full = await stack.get("/api/v1/echo/b", { method, body: "some body" });
      const chunked = await stack.get("/api/v1/echo/c", { method, body: "some body", chunked: true });
      expect([bare, full, chunked].map(({ status }) => status)).toEqual([200, 200, 200]);
      const [first, second, third] = forwarded(upstream.seen);
      expect([first?.method, second?.method, third?.method]).toEqual([method, method, method]);
      expect([first?.body, second?.body]).toEqual(["", "some body"]);
      expect(third?.header("transfer-encoding")).toBe("chunked");
      expect(third?.body).toContain("some body");
      // One that signs in, and one that fetches a token where requests carry it.
      const carriesToken = wire.token.inRequests && !["GET", "HEAD", "OPTIONS"].includes(method);
      expect(upstream.seen.length - 3).toBe(carriesToken ? 2 : 1);
    },
  );

  test.each([
    "/api/v1/echo/plain?a=1&b=2",
    "/api/v1/echo/caf%C3%A9/%E2%9C%93",
    "/api/v1/echo/caf%c3%a9?lower=%c3%a9&Upper=%C3%A9",
    "/api/v1/echo/a%2Fb%2fc",
    "/api/v1/echo/id%3Ftransient%3D/data",
    "/api/v1/echo/a+b%20c/'()*!$&,;=:@~",
    "/api/v1/echo/trailing/",
    "/api/v1/echo/q?trailing=1&",
    "/api/v1/echo/q?",
    "/api/v1/echo/q??&&=&a==b&%00=%0D%0A&c[]=1&url=https://other.example/?x=1/../y",
    "/api/v1/echo/q?a=1&a=2&a=1",
  ])("%s travels byte for byte", async (path) => {
    const { stack, upstream } = await started.raw();
    expect((await stack.get(path)).status).toBe(200);
    const sent = forwarded(upstream.seen).map(({ line, header }) => [line, header] as const);
    expect(sent.map(([line]) => line)).toEqual(
      sent.map(([, header]) => `GET ${wire.target(path, header)} HTTP/1.1`),
    );
    expect(sent).toHaveLength(1);
  });

  test("parameters that the proxy owns are taken out, and nothing else", async () => {
    const { stack, upstream } = await started.raw();
    const [first = "", ...others] = wire.parameters;
    const escaped = others.map((name) => `%${name.charCodeAt(0).toString(16)}${name.slice(1)}=x&`).join("");
    await stack.get(`/api/v1/echo/q?a=1&${first}=forged&&b=%20&${escaped}c&`);
    const [request] = forwarded(upstream.seen);
    expect(request?.target).toBe(wire.target("/api/v1/echo/q?a=1&&b=%20&c&", request?.header ?? String));
  });

  test("the tenant is addressed by its own name", async () => {
    const { stack, upstream } = await started.raw();
    await stack.get("/api/v1/echo/a");
    const [request] = forwarded(upstream.seen);
    expect(request?.headers.filter(([name]) => name === "host")).toEqual([
      ["host", new URL(upstream.origin).host],
    ]);
  });
});

describe("answers without a body", () => {
  test("HEAD has the headers of GET, and no body", async () => {
    const stack = await started.stack();
    const agent = started.keep(new KeptAgent());
    const get = await stack.get("/api/v1/features", { agent });
    const head = await stack.get("/api/v1/features", { method: "HEAD", agent });
    expect([head.status, head.body.length, head.complete]).toEqual([200, 0, true]);
    expect(head.header("content-type")).toBe(get.header("content-type"));
    expect(head.header("etag")).toBe(get.header("etag"));
    expect((await stack.get("/api/v1/features", { agent })).text).toBe(get.text);
    const file = await stack.get("/assets/tenant.css", { agent });
    const fileHead = await stack.get("/assets/tenant.css", { method: "HEAD", agent });
    expect([fileHead.header("content-length"), fileHead.body.length]).toEqual([String(file.body.length), 0]);
  });

  test.each([
    ["204", "HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n"],
    ["304", 'HTTP/1.1 304 Not Modified\r\nETag: "tag"\r\nX-Kept: yes\r\n\r\n'],
    ["205", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\nX-Kept: yes\r\n\r\n"],
  ])("%s passes, and its connection goes on being used", async (status, answer) => {
    const { stack, upstream } = await started.raw((_request, socket) => socket.write(answer));
    const agent = started.keep(new KeptAgent());
    for (let index = 0; index < 3; index += 1) {
      const got = await stack.get("/api/v1/echo/a", { agent });
      expect([got.status, got.header("x-kept"), got.body.length, got.complete]).toEqual([
        Number(status),
        "yes",
        0,
        true,
      ]);
    }
    // One of them carried the login.
    expect(upstream.sockets.size).toBeLessThanOrEqual(2);
    expect(agent.connections).toBe(1);
  });

  test("201 keeps its Location, and has no body where the tenant sent none", async () => {
    const { stack } = await started.raw((_request, socket) =>
      socket.write(
        `HTTP/1.1 201 Created\r\nLocation: ${wire.base}/api/v1/temp-contents/abc\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    const answer = await stack.get("/api/v1/apps/some/export", { method: "POST" });
    expect([answer.status, answer.header("location"), answer.body.length]).toEqual([
      201,
      "/qlik/api/v1/temp-contents/abc",
      0,
    ]);
  });
});

describe("informational answers", () => {
  test("a client that waits for 100 gets it, and its body arrives", async () => {
    const { stack, upstream } = await started.raw();
    const connection = await connectTo(stack.origin);
    connection.write(
      requestHead(stack.origin, "POST /qlik/api/v1/echo/a HTTP/1.1", [
        "Expect: 100-continue",
        "Content-Length: 5",
      ]),
    );
    expect(await connection.until((text) => text.includes("\r\n\r\n"))).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    connection.write("hello");
    const text = await connection.until((all) => all.endsWith("ok"));
    connection.socket.destroy();
    expect(text).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    const [request] = forwarded(upstream.seen);
    expect([request?.body, request?.header("expect")]).toEqual(["hello", undefined]);
  });

  test("hints before the answer are left out, and the answer follows", async () => {
    const { stack } = await started.raw((_request, socket) =>
      socket.write(
        "HTTP/1.1 103 Early Hints\r\nLink: <https://elsewhere.example/x.js>; rel=preload\r\n\r\n" +
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      ),
    );
    const answer = await stack.get("/api/v1/echo/a");
    expect([answer.status, answer.text]).toEqual([200, "ok"]);
  });
});

describe("connections", () => {
  test("one browser connection carries many requests, and one to the tenant", async () => {
    const stack = await started.stack();
    const agent = started.keep(new KeptAgent());
    for (let index = 0; index < 20; index += 1) {
      expect((await stack.get("/api/v1/users/me", { agent })).status).toBe(200);
    }
    expect(agent.connections).toBe(1);
    const peers = stack.tenant.recordings({ path: "/api/v1/users/me" }).map(({ peer }) => peer);
    // The very first may have met the connection of the login still busy.
    expect([peers.length, new Set(peers.slice(2)).size]).toEqual([20, 1]);
  });

  test("a client of HTTP/1.0 gets the whole answer, then the end", async () => {
    const { stack } = await started.raw((_request, socket) =>
      socket.write(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
      ),
    );
    const connection = await connectTo(stack.origin);
    connection.write(requestHead(stack.origin, "GET /qlik/api/v1/echo/a HTTP/1.0"));
    expect(await connection.closed).toBe(false);
    expect(connection.received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(connection.received).toMatch(/\r\n\r\nhello world$/);
    expect(connection.received).not.toMatch(/transfer-encoding/i);
  });

  test("pipelined requests are answered in their order", async () => {
    const { stack } = await started.raw((request, socket) => {
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${request.path.length}\r\n\r\n${request.path}`;
      // The first one is slower than the second.
      if (request.path.endsWith("/1")) setTimeout(() => socket.write(answer), 50);
      else socket.write(answer);
    });
    const connection = await connectTo(stack.origin);
    connection.write(
      requestHead(stack.origin, "GET /qlik/api/v1/echo/1 HTTP/1.1") +
        requestHead(stack.origin, "GET /qlik/api/v1/echo/2 HTTP/1.1"),
    );
    const text = await connection.until((all) => all.includes("/api/v1/echo/2"));
    connection.socket.destroy();
    expect(text.match(/\/api\/v1\/echo\/\d/g)).toEqual(["/api/v1/echo/1", "/api/v1/echo/2"]);
  });

  test("two users on one browser connection never see anything of each other", async () => {
    const stack = await started.stack({ proxy: { policy: { allow: [echoRule] } } });
    const agent = started.keep(new KeptAgent());
    const next = numbersFrom(20_260_731);
    const paths = [
      "/qlik/api/v1/users/me",
      "/qlik/api/v1/claims/me",
      "/qlik/_session",
      "/qlik/api/v1/echo/x",
    ];
    const one = async (): Promise<readonly [user: string, status: number, seen: string | undefined]> => {
      const user = ["ann", "bob"][next() % 2] as string;
      const path = paths[next() % 4] as string;
      const writes = path.endsWith("/x");
      const answer = await send({
        agent,
        origin: stack.origin,
        path,
        method: writes ? "POST" : "GET",
        ...(writes ? { body: `canary of ${user}` } : {}),
        headers: { "sec-fetch-site": "same-origin", "x-test-user": user },
      });
      return [user, answer.status, /\b(ann|bob)\b/.exec(answer.text)?.[0]];
    };
    for (let index = 0; index < 1000; index += 10) {
      const round = await Promise.all(Array.from({ length: 10 }, () => one()));
      for (const [user, status, seen] of round) {
        expect([status, seen]).toEqual(status === 404 ? [404, undefined] : [200, user]);
      }
    }
    expect(agent.connections).toBe(1);
    const own = wire.ownPaths.flatMap((path) => stack.tenant.recordings({ path }));
    const seen = stack.tenant.recordings().filter((each) => !own.includes(each));
    const writes = seen.filter(({ method }) => method === "POST");
    expect(writes.length).toBeGreaterThan(100);
    const named = ["ann", "bob"].map((user) => [subjectAt(tenantKind, user), `canary of ${user}`] as const);
    for (const { bodyStart, subject } of writes)
      expect(bodyStart.toString()).toBe(new Map(named).get(subject ?? ""));
    const subjectsOfPeer = new Map<string, Set<string | undefined>>();
    for (const { peer, subject } of seen) {
      subjectsOfPeer.set(peer, (subjectsOfPeer.get(peer) ?? new Set()).add(subject));
    }
    expect([...subjectsOfPeer.values()].map((subjects) => subjects.size)).not.toContain(2);
    expect(stack.tenant.sessions.list()).toHaveLength(2);
  });
});

/** One connection at a time, kept open, and counted. */
class KeptAgent extends http.Agent {
  connections = 0;

  constructor() {
    super({ keepAlive: true, maxSockets: 1 });
  }

  override createConnection(
    ...parameters: Parameters<http.Agent["createConnection"]>
  ): ReturnType<http.Agent["createConnection"]> {
    this.connections += 1;
    return super.createConnection(...parameters);
  }

  close(): void {
    this.destroy();
  }
}

/** The same "random" numbers in every run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >>> 8;
  };
}
