import { AsyncLocalStorage } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Context, context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, describe, expect, test } from "vitest";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A tracer as a host has one; what it exports. */
function startTracer(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const current = new AsyncLocalStorage<Context>();
  const contexts: Parameters<typeof context.setGlobalContextManager>[0] = {
    active: () => current.getStore() ?? ROOT_CONTEXT,
    with: (given, work, self, ...rest) => current.run(given, () => work.call(self as never, ...rest)),
    bind: (_given, target) => target,
    enable: () => contexts,
    disable: () => contexts,
  };
  context.setGlobalContextManager(contexts);
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  open.push(() => {
    trace.disable();
    context.disable();
  });
  return exporter;
}

async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  open.push(() => stack.close());
  // The API is loaded in the background.
  await import("@opentelemetry/api");
  return stack;
}

const sentHeader = (stack: Stack, path: string, name: string): readonly (string | undefined)[] =>
  stack.tenant.recordings({ path }).map(({ headers }) =>
    headers
      .filter(([each]) => each.toLowerCase() === name)
      .map(([, value]) => value)
      .join(),
  );

const me = "/api/v1/users/me";
const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const tracestate = "congo=t61rcWkgMzE";

describe("without a tracer", () => {
  test("what a client says of its trace goes on as it came, and nothing is added", async () => {
    const stack = await start();
    await stack.get(me, { headers: { traceparent, tracestate } });
    await stack.get(me);
    const own = (values: readonly (string | undefined)[]) => values.slice(-2);
    expect(own(sentHeader(stack, me, "traceparent"))).toEqual([traceparent, ""]);
    expect(own(sentHeader(stack, me, "tracestate"))).toEqual([tracestate, ""]);
  });

  test("where there is no API, requests are answered all the same", { timeout: 30_000 }, () => {
    const library = new URL("../../src/index.ts", import.meta.url).href
      .replace("/src/", "/dist/")
      .replace(".ts", ".js");
    const refuse = `export const resolve = (name, context, next) => {
      if (name.startsWith("@opentelemetry/")) { console.log("asked for"); throw new Error("not found"); }
      return next(name, context);
    };`;
    const script = `
      import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(refuse)}));
      const { createSessionProxy } = await import(${JSON.stringify(library)});
      const { generateKeyPairSync } = await import("node:crypto");
      const { createServer } = await import("node:http");
      const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
      const proxy = createSessionProxy({
        tenant: { origin: "https://acme.eu.qlikcloud.com", signingKeys: [{ issuer: "a", keyId: "b", privateKey: key }] },
        identify: () => null,
        publicOrigin: "http://portal.localhost",
        unsafe: { plainHttpPublic: true },
      });
      const server = createServer((request, response) => proxy(request, response)).listen(0, "127.0.0.1", async () => {
        const { get } = await import("node:http");
        const headers = { host: "portal.localhost", "sec-fetch-site": "same-origin" };
        get({ port: server.address().port, path: "/qlik/api/v1/users/me", headers }, async (answer) => {
          console.log(answer.statusCode);
          answer.resume();
          await proxy.close();
          server.close();
        });
      });`;
    // Node 26 warns of the way in which the API is hidden here.
    const args = ["--disable-warning=DEP0205", "--input-type=module", "-e", script];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
    });
    expect({ status, stdout: stdout.trim().split("\n").toSorted(), stderr }).toEqual({
      status: 0,
      stdout: ["401", "asked for"],
      stderr: "",
    });
  });
});

describe("with a tracer of the host", () => {
  const spansNamed = (exporter: InMemorySpanExporter, name: string): readonly ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.name === name);

  test("a request is a span below the client's, the tenant is told of it, and so is the log", async () => {
    const exporter = startTracer();
    const stack = await start();
    await stack.get(me);
    exporter.reset();
    await stack.get(me, { headers: { traceparent, tracestate } });
    await expect.poll(() => spansNamed(exporter, "qlik rest")).toHaveLength(1);
    const [span] = spansNamed(exporter, "qlik rest");
    expect(span?.parentSpanContext).toMatchObject({ traceId, spanId: "b7ad6b7169203331", isRemote: true });
    expect(span?.attributes).toEqual({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "qsp.route": "rest",
      "server.address": stack.tenant.hostname,
    });
    const { spanId } = span?.spanContext() ?? { spanId: "" };
    expect(sentHeader(stack, me, "traceparent").at(-1)).toBe(`00-${traceId}-${spanId}-01`);
    expect(sentHeader(stack, me, "tracestate").at(-1)).toBe(tracestate);
    const refused = await stack.get("/api/v1/none", { headers: { traceparent } });
    expect(refused.json()).toMatchObject({ traceId });
    await expect.poll(() => spansNamed(exporter, "qlik denied")).toHaveLength(1);
    expect(spansNamed(exporter, "qlik denied")[0]?.attributes["error.type"]).toBe("QSP-POLICY");
  });

  test("a login is a span below the request that waited for it", async () => {
    const exporter = startTracer();
    const stack = await start();
    await expect
      .poll(async () => {
        await stack.get(me, { user: `user-${exporter.getFinishedSpans().length}` });
        return spansNamed(exporter, "qlik login").length;
      })
      .toBeGreaterThan(0);
    const login = spansNamed(exporter, "qlik login").at(-1);
    const request = spansNamed(exporter, "qlik rest").find(
      (span) => span.spanContext().spanId === login?.parentSpanContext?.spanId,
    );
    expect(request?.spanContext().traceId).toBe(login?.spanContext().traceId);
  });

  test("a span of the host is what ours stands below, whatever the client says", async () => {
    const exporter = startTracer();
    const host = trace.getTracer("host").startSpan("host");
    const stack = await start({
      mount: (proxy) => (request, response) =>
        context.with(trace.setSpan(ROOT_CONTEXT, host), () => proxy(request, response)),
    });
    await stack.get(me);
    exporter.reset();
    await stack.get(me, { headers: { traceparent } });
    await expect.poll(() => spansNamed(exporter, "qlik rest")).toHaveLength(1);
    const [span] = spansNamed(exporter, "qlik rest");
    expect(span?.parentSpanContext?.spanId).toBe(host.spanContext().spanId);
    expect(sentHeader(stack, me, "traceparent").at(-1)).toContain(host.spanContext().traceId);
  });

  test("a handshake is a span", async () => {
    const exporter = startTracer();
    const stack = await start();
    await stack.get(me);
    const apps = (await stack.get("/api/v1/items?resourceType=app")).json() as {
      readonly data: readonly { readonly resourceId: string }[];
    };
    const path = `/app/${apps.data[0]?.resourceId}`;
    const socket = stack.socket(path, { headers: { traceparent } });
    await socket.message();
    await expect.poll(() => spansNamed(exporter, "qlik engine")).toHaveLength(1);
    const [span] = spansNamed(exporter, "qlik engine");
    expect(span?.attributes["http.response.status_code"]).toBe(101);
    expect(sentHeader(stack, path, "traceparent").at(-1)).toBe(
      `00-${traceId}-${span?.spanContext().spanId}-01`,
    );
    socket.ws.terminate();
    expect(
      (await stack.socket("/app/x", { headers: { origin: "https://evil.example" } }).refused).status,
    ).toBe(403);
    await expect.poll(() => spansNamed(exporter, "qlik engine")).toHaveLength(2);
    expect(spansNamed(exporter, "qlik engine")[1]?.attributes["error.type"]).toBe("QSP-CROSS-SITE");
  });

  test.each([
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    `ff-${traceId}-b7ad6b7169203331-01`,
    `00-${traceId}-b7ad6b7169203331-01, ${traceparent}`,
    `00-${traceId.toUpperCase()}-b7ad6b7169203331-01`,
    "x",
  ])("a client's word that is none begins a new trace: %s", async (given) => {
    const exporter = startTracer();
    const stack = await start();
    await stack.get(me);
    exporter.reset();
    await stack.get(me, { headers: { traceparent: given } });
    await expect.poll(() => spansNamed(exporter, "qlik rest")).toHaveLength(1);
    const [span] = spansNamed(exporter, "qlik rest");
    expect(span?.parentSpanContext).toBeUndefined();
    expect(sentHeader(stack, me, "traceparent").at(-1)).toContain(span?.spanContext().spanId);
  });

  test("is found though it comes late", { timeout: 15_000 }, async () => {
    const stack = await start();
    for (let count = 0; count < 5; count += 1) await stack.get(me);
    const exporter = startTracer();
    await expect
      .poll(
        async () => {
          await stack.get(me);
          return spansNamed(exporter, "qlik rest").length;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
  });

  test("a tracer that throws harms no request", async () => {
    const stack = await start();
    trace.setGlobalTracerProvider({
      getTracer() {
        throw new Error("a broken tracer");
      },
    });
    open.push(() => trace.disable());
    expect((await stack.get(me)).status).toBe(200);
  });
});
