import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { send } from "../support/raw-client.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { cleanedUp } from "../support/started.ts";
import { startWhoamiApp, type WhoamiApp } from "../support/whoami-app.ts";
import { codeOf, type IdentityStack, items, startIdentityStack } from "./identity-stack.ts";

const started = cleanedUp();

interface Parts {
  readonly app: WhoamiApp;
  readonly stack: IdentityStack;
}

async function start(more = ""): Promise<Parts> {
  const app = started.keep(await startWhoamiApp());
  const stack = started.keep(await startIdentityStack(`  whoami: { url: "${app.url}"${more} }`));
  return { app, stack };
}

const ann = { cookie: "app=a" };
const json = (body: unknown) => (_request: IncomingMessage, response: ServerResponse) =>
  void response.setHeader("content-type", "application/json").end(JSON.stringify(body));

/** Why the last request was refused, says the log. */
const lastReason = ({ observed }: IdentityStack): string => {
  const line = observed.events.findLast((each) => each.includes('"exchange.finished"')) ?? "{}";
  return (JSON.parse(line) as { readonly reason?: string }).reason ?? "";
};

describe("an answer", () => {
  const odd: readonly (readonly [
    reason: string,
    handler: (request: IncomingMessage, response: ServerResponse) => void,
  ])[] = [
    [
      "a redirect (302), which is not followed",
      (_, response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
    ],
    [
      "HTML, not JSON: a page, perhaps a login",
      (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<form>"),
    ],
    [
      "another type than JSON",
      (_, response) =>
        void response.writeHead(200, { "content-type": "text/plain" }).end('{"subject":"ann"}'),
    ],
    ["the status 500", (_, response) => void response.writeHead(500).end("canary")],
    ["the status 404", (_, response) => void response.writeHead(404).end()],
    ["the status 204", (_, response) => void response.writeHead(204).end()],
    [
      "a body that is not JSON",
      (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end("{canary"),
    ],
    [
      "a body that is not JSON",
      (_, response) =>
        void response
          .writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
          .end(gzipSync('{"subject":"ann"}')),
    ],
    ["JSON that is not an object", json([{ subject: "ann" }])],
    ["JSON that is not an object", json(null)],
    ["more than 65536 bytes", json({ subject: "ann", name: "x".repeat(66_000) })],
    ["the subject, is missing", json({})],
    ["the subject, is missing", json({ subject: null, sub: "ann" })],
    ['"subject" is not a text', json({ subject: 7 })],
    ["white space", json({ subject: " ann" })],
    ["control characters", json({ subject: "ann", email: "a\r\nx: y" })],
    ["not an array of texts", json({ subject: "ann", groups: "Sales,Finance" })],
    ["the connection failed (ECONNRESET)", (request) => void request.socket.resetAndDestroy()],
    [
      "the answer broke off",
      (_, response) => {
        response.writeHead(200, { "content-length": 50 }).write("{");
        response.socket?.end();
      },
    ],
  ];

  test("that is neither yes nor no is 503, and the log says why", async () => {
    const { app, stack } = await start(", cacheFor: 0s");
    for (const [reason, handler] of odd) {
      app.answer(handler);
      const answer = await stack.get(items, ann);
      expect([answer.status, codeOf(answer), lastReason(stack)]).toEqual([
        503,
        "QSP-IDENTITY",
        expect.stringContaining(reason),
      ]);
    }
    expect(stack.tenant.logins).toEqual([]);
    expect(app.questions.every((headers) => headers.includes("app=a"))).toBe(true);
    expect(stack.observed.events.join("")).not.toContain("canary");
    expect(stack.observed.uncaught).toEqual([]);
  });

  test("that does not come in time is 503 for requests, upgrades and the status", async () => {
    const { app, stack } = await start(", timeout: 100ms");
    const late: readonly ((request: IncomingMessage, response: ServerResponse) => void)[] = [
      () => {},
      (_, response) => void response.writeHead(200, { "content-type": "application/json" }).write("{"),
    ];
    for (const handler of late) {
      app.answer(handler);
      for (const answer of [await stack.get(items, ann), await stack.get("/_session", ann)])
        expect([answer.status, lastReason(stack)]).toEqual([503, expect.stringContaining("within 100 ms")]);
    }
    const refused = await stack.socket(ann).refused;
    expect([refused.status, refused.body]).toEqual([503, expect.stringContaining("QSP-IDENTITY")]);
  });

  test("of 401 or 403 is nobody; it is not taken for long, so that who signs in is not kept out", async () => {
    const { app, stack } = await start();
    for (const status of [401, 403]) {
      app.answer(
        (_, response) => void response.writeHead(status, { "content-type": "text/html" }).end("<form>"),
      );
      const answers = await Promise.all([1, 2, 3].map(() => stack.get(items, { cookie: `app=${status}` })));
      expect(answers.map(codeOf)).toEqual(Array.from({ length: 3 }, () => "QSP-UNAUTHENTICATED"));
    }
    expect(app.questions).toHaveLength(2);
    app.answer(json({ subject: "ann" }));
    await expect
      .poll(async () => (await stack.get(items, { cookie: "app=401" })).status, {
        interval: 100,
        timeout: 3000,
      })
      .toBe(200);
  });

  test("may call its members by other names, and its cookies go nowhere", async () => {
    const { app, stack } = await start(
      ', claims: { subject: user.id, email: user.mail, groups: roles, groupsSeparator: "," }, cacheFor: 0s',
    );
    app.answer((_request, response) => {
      response.setHeader("set-cookie", ["app=rolled; Path=/", "canary=1"]);
      json({ user: { id: "ann", mail: "ann@example.com" }, roles: "Sales, Finance" })(_request, response);
    });
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await stack.get(items, ann);
      expect([answer.text, answer.header("set-cookie")]).toEqual(["ann~1", undefined]);
    }
    expect(stack.tenant.logins).toMatchObject([{ subject: "ann", groups: ["Finance", "Sales"] }]);
    const warnings = stack.observed.events.filter((line) => line.includes("sets a cookie"));
    expect(warnings).toHaveLength(1);
    expect(stack.observed.events.join("")).not.toContain("canary");
    expect(stack.travelled.map(({ lines }) => lines).join("\n")).not.toContain("rolled");
  });
});

describe("a question", () => {
  test("holds the named headers and nothing else of the request", async () => {
    const { app, stack } = await start(", forwardHeaders: [cookie, X-Team], forwardCookies: [app]");
    app.users.set("a", { subject: "ann" });
    const noise = {
      cookie: "theme=dark; app=a; other=1",
      "x-team": "blue",
      authorization: "Bearer canary",
      "x-forwarded-for": "192.0.2.1",
    };
    expect((await stack.get("/_session", noise)).status).toBe(200);
    const [headers = []] = app.questions;
    const pairs = Object.fromEntries(
      headers.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), headers[at + 1]]] : [])),
    );
    expect(pairs).toEqual({
      host: new URL(app.url).host,
      accept: "application/json",
      "user-agent": "qlik-session-proxy",
      connection: "keep-alive",
      cookie: "app=a",
      "x-team": "blue",
    });
    // What tells users apart is the whole of it: a cookie that is not named makes no other question.
    expect((await stack.get("/_session", { ...noise, cookie: "theme=light; app=a" })).status).toBe(200);
    expect(app.questions).toHaveLength(1);
    expect((await stack.get("/_session", { ...noise, "x-team": "red" })).status).toBe(200);
    expect(app.questions).toHaveLength(2);
  });

  test("is not asked for who brings nothing that it would hold", async () => {
    const { app, stack } = await start(", forwardHeaders: [authorization, cookie], forwardCookies: [app]");
    for (const credentials of [{}, { cookie: "theme=dark" }, { authorization: ["Bearer a", "Bearer b"] }])
      expect((await stack.get(items, credentials)).status).toBe(401);
    expect(app.questions).toEqual([]);
  });

  test("with what browsers add by themselves needs an Origin, with a token it needs none", async () => {
    const { app, stack } = await start(", forwardHeaders: [authorization]");
    app.answer(json({ subject: "ann" }));
    const status = async (authorization: string | readonly string[]): Promise<number> => {
      const headers = { host: "portal.example.com", authorization };
      return (await send({ origin: stack.server.url, path: "/qlik/_session", method: "DELETE", headers }))
        .status;
    };
    for (const ambient of ["Basic YW5uOng=", "Negotiate YII=", "Bearer", ["Bearer a", "Basic YW5uOng="]])
      expect(await status(ambient)).toBe(403);
    expect(app.questions).toEqual([]);
    expect(await status("bearer a")).toBe(204);
  });

  test("is asked once for all who come at once, and an answer is remembered for a while", async () => {
    const { app, stack } = await start();
    app.users.set("a", { subject: "ann" }).set("b", { subject: "bob" });
    const gate = createLatch();
    app.answer((request, response) => void gate.opened.then(() => app.usual(request, response)));
    const both = [ann, { cookie: "app=b" }];
    const waiting = Promise.all(
      Array.from({ length: 12 }, (_, turn) => stack.get("/_session", both[turn % 2])),
    );
    await expect.poll(() => app.questions.length).toBe(2);
    gate.open();
    expect((await waiting).map((answer) => (answer.json() as { subject: string }).subject)).toEqual(
      Array.from({ length: 12 }, (_, turn) => ["ann", "bob"][turn % 2]),
    );
    expect(app.questions).toHaveLength(2);
  });

  test("is asked anew, past what is remembered, before a login", async () => {
    const { app, stack } = await start();
    app.users.set("a", { subject: "ann" });
    expect((await stack.get("/_session", ann)).json()).toMatchObject({ authenticated: true });
    app.users.delete("a");
    expect((await stack.get(items, ann)).status).toBe(401);
    expect(stack.tenant.logins).toEqual([]);
  });

  test("waits for its turn, and one that cannot have it in time is 503", async () => {
    const { app, stack } = await start(", concurrency: 1, timeout: 300ms");
    for (const name of ["a", "b"]) app.users.set(name, { subject: name });
    const gate = createLatch();
    let [now, most] = [0, 0];
    app.answer((request, response) => {
      most = Math.max(most, (now += 1));
      response.on("close", () => (now -= 1));
      void gate.opened.then(() => app.usual(request, response));
    });
    const first = stack.get("/_session", ann);
    await expect.poll(() => app.questions.length).toBe(1);
    const second = stack.get("/_session", { cookie: "app=b" });
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([503, 503]);
    expect(most).toBe(1);
    gate.open();
    app.answer(null);
    expect((await stack.get("/_session", { cookie: "app=b" })).status).toBe(200);
  });

  test("goes on over a connection that the application closes when it likes", async () => {
    const { app, stack } = await start(", cacheFor: 0s");
    app.users.set("a", { subject: "ann" });
    const sockets = new Set<unknown>();
    app.answer((request, response) => {
      sockets.add(request.socket);
      app.usual(request, response);
      // As a server does whose keep-alive runs out while the next question is on its way.
      if (sockets.size === 1) request.socket.once("data", () => request.socket.resetAndDestroy());
    });
    for (let turn = 0; turn < 3; turn += 1) expect((await stack.get("/_session", ann)).status).toBe(200);
    expect(sockets.size).toBe(2);
  });
});

describe("a user who is gone at the application", () => {
  test("is gone here when the answer is too old", async () => {
    const { app, stack } = await start(", cacheFor: 300ms");
    app.users.set("a", { subject: "ann" });
    expect((await stack.get(items, ann)).status).toBe(200);
    app.users.delete("a");
    await expect
      .poll(async () => (await stack.get(items, ann)).status, { interval: 50, timeout: 3000 })
      .toBe(401);
  });

  test("and logged out here comes back in two seconds, whatever was asked and remembered meanwhile", async () => {
    const { app, stack } = await start(", cacheFor: 5m");
    app.users.set("a", { subject: "ann" });
    expect((await stack.get(items, ann)).status).toBe(200);
    expect((await stack.get("/_session", ann, { method: "DELETE" })).status).toBe(204);
    const before = app.questions.length;
    for (let turn = 0; turn < 3; turn += 1) expect((await stack.get(items, ann)).status).toBe(401);
    // Too early to count, and not asked again for each request.
    expect(app.questions).toHaveLength(before + 1);
    await expect
      .poll(async () => (await stack.get(items, ann)).status, { interval: 100, timeout: 5000 })
      .toBe(200);
  });

  test("loses an open socket too, when it is time to ask for it again", async () => {
    const app = started.keep(await startWhoamiApp());
    const stack = started.keep(
      await startIdentityStack(`  whoami: { url: "${app.url}", cacheFor: 0s }`, {
        more: "session: { revalidate: 1s }",
      }),
    );
    app.users.set("a", { subject: "ann" });
    const socket = stack.socket(ann);
    await new Promise((resolve) => socket.ws.once("open", resolve));
    app.users.delete("a");
    expect((await socket.closed).code).toBe(4003);
    expect((await stack.socket(ann).refused).status).toBe(401);
  });

  test("and logged out here is asked for again at once, on every node", async () => {
    const redis = started.keep(await startRedisServer());
    const app = started.keep(await startWhoamiApp());
    const source = `  whoami: { url: "${app.url}", cacheFor: 5m }`;
    const more = `session: { store: "${redis.url}", secret: "a secret of thirty-two bytes or so" }`;
    const one = started.keep(await startIdentityStack(source, { more }));
    const other = started.keep(await startIdentityStack(source, { more, tenant: one.tenant }));
    app.users.set("a", { subject: "ann" });
    for (const node of [one, other])
      expect((await node.get("/_session", ann)).json()).toMatchObject({ subject: "ann" });
    expect((await one.get(items, ann)).status).toBe(200);
    expect((await other.get(items, ann)).status).toBe(200);
    expect((await one.get("/_session", ann, { method: "DELETE" })).status).toBe(204);
    app.users.set("a", { subject: "bob" });
    for (const node of [one, other])
      await expect
        .poll(async () => (await node.get("/_session", ann)).json(), { timeout: 5000 })
        .toMatchObject({ subject: "bob" });
    const questions = app.questions.length;
    for (const node of [one, other]) await node.get("/_session", ann);
    expect(app.questions).toHaveLength(questions);
  });
});
