import { gunzipSync, gzipSync } from "node:zlib";
import compression from "compression";
import express, { type Application } from "express";
import { afterEach, describe, expect, test } from "vitest";
import { bytesOf } from "../../src/emulator.ts";
import type { SessionProxy } from "../../src/index.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import { valueOf } from "../support/tenant-kind.ts";
import { compressing, rollingCookie } from "./patching-middleware.ts";

const stacks: Stack[] = [];
async function start(
  mount: (app: Application, proxy: SessionProxy) => void,
  proxy: StackOptions["proxy"] = {},
) {
  const stack = await startStack({
    proxy: { policy: { presets: ["embed", "embed-write"] }, ...proxy },
    mount(made) {
      const app = express();
      mount(app, made);
      return app;
    },
  });
  stacks.push(stack);
  return stack;
}
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

const items = "/api/v1/items?limit=2";
const report = JSON.stringify({ type: "sense-image-1.0", "odd  spacing": "å" });
const send = (
  stack: Stack,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> =>
  stack.get("/api/v1/reports", {
    method: "POST",
    headers: { origin: stack.origin, "content-type": "application/json", ...headers },
    body,
  });
const posted = ({ tenant }: Stack) => tenant.recordings({ method: "POST", path: "/api/v1/reports" });
const codeOf = (answer: RawAnswer) => (answer.json() as { errors: { code: string }[] }).errors[0]?.code;
const setCookies = ({ rawHeaders }: RawAnswer) =>
  rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === "set-cookie" && index % 2 === 1);

/** Answers of the host's own. */
const hostAnswer = (app: Application): void => {
  app.all("/own", (request, response) => {
    response.end(`host ${request.method} ${JSON.stringify((request as { body?: unknown }).body)}`);
  });
};

describe("in Express, a body parser", () => {
  test("after the proxy changes nothing for either", async () => {
    const stack = await start((app, proxy) => {
      app.use(proxy).use(express.json());
      hostAnswer(app);
    });
    expect((await send(stack, report)).status).toBe(202);
    expect(posted(stack)[0]?.bodyStart.toString()).toBe(report);
    const own = await stack.get("/../own", {
      path: "/own",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"a":1}',
    });
    expect(own.text).toBe('host POST {"a":1}');
  });

  test("before the proxy is told of at once: 500 QSP-BODY-CONSUMED, and no half body at the tenant", async () => {
    const stack = await start((app, proxy) => app.use(express.json()).use(proxy));
    const answer = await send(stack, report);
    expect([answer.status, codeOf(answer)]).toEqual([500, "QSP-BODY-CONSUMED"]);
    expect(posted(stack)).toHaveLength(0);
    // What it did not read passes.
    expect((await stack.get(items)).status).toBe(200);
    const form = await send(stack, "--x\r\n\r\n--x--", { "content-type": "multipart/form-data; boundary=x" });
    expect(codeOf(form)).not.toBe("QSP-BODY-CONSUMED");
    expect(posted(stack)[0]?.bodyStart.toString()).toBe("--x\r\n\r\n--x--");
  });

  const keepsBody = express.json({
    verify: (request, _response, body) => void Object.assign(request, { rawBody: body }),
  });

  test("before the proxy that keeps the raw body costs nothing: the tenant gets the very bytes", async () => {
    const stack = await start((app, proxy) => app.use(keepsBody).use(proxy));
    expect((await send(stack, report)).status).toBe(202);
    expect(posted(stack)[0]?.bodyStart.toString()).toBe(report);
    // Also the second time, after the session was lost.
    stack.tenant.sessions.expire();
    expect((await send(stack, report)).status).toBe(202);
    expect(posted(stack).map(({ bodyBytes }) => bodyBytes)).toEqual(
      [1, 2, 3].map(() => Buffer.byteLength(report)),
    );
  });

  test("before the proxy that keeps the body unpacked has not kept the body that was sent", async () => {
    const stack = await start((app, proxy) => app.use(keepsBody).use(proxy));
    const answer = await send(stack, gzipSync(report), { "content-encoding": "gzip" });
    expect([answer.status, codeOf(answer)]).toEqual([500, "QSP-BODY-CONSUMED"]);
    expect(posted(stack)).toHaveLength(0);
  });
});

describe("in Express, a response that others share", () => {
  test.each([
    ["sets its cookie at the last moment", rollingCookie],
    [
      "has set its cookie already",
      ((_request, response, next) => {
        response.setHeader("Set-Cookie", ["host.sid=rolled; Path=/; HttpOnly", "host.seen=1; Path=/"]);
        next();
      }) as typeof rollingCookie,
    ],
  ])("a session middleware that %s keeps it, on every kind of answer", async (_name, session) => {
    const stack = await start((app, proxy) => app.use(session).use(proxy));
    const { id } = stack.tenant.addTempContent({ name: "a.csv", bytes: bytesOf(Buffer.from("a;b")) });
    const answers = [
      await stack.get(items),
      await stack.get(items, { method: "HEAD" }),
      await stack.get(`/api/v1/temp-contents/${id}`),
      await stack.get("/_session"),
      await stack.get(items, { user: null }),
      await stack.get("/nothing"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 401, 404]);
    for (const answer of answers)
      expect(setCookies(answer)).toEqual(["host.sid=rolled; Path=/; HttpOnly", "host.seen=1; Path=/"]);
  });

  test("headers of the host stay, and ours win where both say the same", async () => {
    const stack = await start((app, proxy) =>
      app
        .use((_request, response, next) => {
          response.setHeader("X-Host", "kept");
          response.setHeader("Vary", "Accept-Language");
          response.setHeader("Cache-Control", "public, max-age=600");
          next();
        })
        .use(proxy),
    );
    const answer = await stack.get(items);
    expect([answer.header("x-host"), answer.header("cache-control")]).toEqual(["kept", "private, no-cache"]);
    for (const name of ["Accept-Language", "Origin", "Cookie"]) expect(answer.header("vary")).toContain(name);
  });

  test.each([
    ["that patches the response", compressing, undefined],
    ["of Express", compression({ threshold: 0 }), "gzip"],
  ] as const)(
    "a compressing middleware %s gets what it needs, and the body arrives whole",
    async (...row) => {
      const [, middleware, accepted] = row;
      const stack = await start((app, proxy) => app.use(rollingCookie).use(middleware).use(proxy));
      const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
      const bytes = Buffer.from("line of text;1;2;3\n".repeat(400_000));
      const { id } = stack.tenant.addTempContent({ name: "a.csv", bytes: bytesOf(bytes) });
      const large = await stack.get(`/api/v1/temp-contents/${id}`, { headers });
      expect([large.status, large.header("content-encoding"), large.header("content-length")]).toEqual([
        200,
        "gzip",
        undefined,
      ]);
      expect(gunzipSync(large.body).equals(bytes)).toBe(true);
      const list = await stack.get(items, { headers });
      expect(JSON.parse(gunzipSync(list.body).toString())).toMatchObject({ data: expect.any(Array) });
      const part = await stack.get(`/api/v1/temp-contents/${id}`, {
        headers: { ...headers, range: "bytes=0-3" },
      });
      expect([part.status, part.text]).toEqual([206, "line"]);
      const head = await stack.get(items, { method: "HEAD", headers });
      expect([head.status, head.body.length]).toEqual([200, 0]);
      expect(gunzipSync((await stack.get("/_session", { headers })).body).toString()).toContain(
        '"authenticated":true',
      );
      for (const answer of [large, list, part, head]) expect(setCookies(answer)).toHaveLength(2);
    },
  );
});

describe("in Express, the place of the proxy", () => {
  test("may be a path: the whole path counts, not what Express leaves of it", async () => {
    const stack = await start((app, proxy) => app.use("/qlik", proxy));
    expect((await stack.get(items)).status).toBe(200);
    const [seen] = stack.tenant.recordings({ path: "/api/v1/items" });
    expect(seen?.url).toBe(wire.target(items, (name) => seen && valueOf(seen, name)));
    expect((await stack.get("/_session")).status).toBe(200);
    expect((await stack.get("/%2e%2e/admin")).status).toBe(400);
  });

  test("may be deep in a router, with a prefix of more than one part", async () => {
    const prefix = "/tools/v1/qlik";
    const stack = await start(
      (app, proxy) => {
        const inner = express.Router().use("/qlik", proxy);
        app.use("/tools", express.Router().use("/v1", inner));
      },
      { prefix },
    );
    expect((await stack.get(items)).status).toBe(200);
    const page = (await stack.get(items)).json() as { links: { self: { href: string } } };
    expect(page.links.self.href.startsWith(`${stack.origin}${prefix}/api/v1/items`)).toBe(true);
    const socket = stack.socket("/app/engineData");
    expect(await socket.message()).toContain("OnConnected");
  });

  test("leaves every other path to the app, look-alikes too", async () => {
    const stack = await start((app, proxy) => {
      app.use(proxy);
      app.use((request, response) => response.end(`host ${request.url}`));
    });
    for (const path of [
      "/",
      "/qlikevil",
      "/qlikevil/api/v1/items",
      "/api/v1/items",
      "/login",
      "/_session",
      "/Qlik/x",
    ]) {
      const answer = await stack.get("", { path, user: null });
      expect([answer.status, answer.text]).toEqual([200, `host ${path}`]);
    }
    expect(stack.tenant.recordings()).toHaveLength(0);
  });
});
