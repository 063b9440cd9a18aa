import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket } from "ws";
import {
  createTenantEmulator,
  type TenantEmulator,
  type TenantEmulatorKind,
  type TenantEmulatorOptions,
} from "../../src/emulator.ts";
import {
  createSessionProxy,
  type Identity,
  type Middleware,
  type SessionProxy,
  type SessionProxyOptions,
} from "../../src/index.ts";
import { assembleSessionProxy } from "../../src/proxy/create-session-proxy.ts";
import { resolveOptions } from "../../src/options/session-proxy-options.ts";
import type { ManualClock } from "./manual-clock.ts";
import { stackOf, tenantKind } from "./tenant-kind.ts";
import { send, type RawAnswer, type RawRequest } from "./raw-client.ts";

/** The key that the proxy signs with and the tenant knows; made once, since making one takes a moment. */
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const publicKey = keys.publicKey.export({ type: "spki", format: "pem" }).toString();

export const testKey: Readonly<Record<"issuer" | "keyId" | "privateKey", string>> = {
  issuer: "portal.example.test",
  keyId: "key-1",
  privateKey,
};

/** Local tenant, proxy and a plain node server between them. */
export interface Stack {
  readonly tenant: TenantEmulator;
  readonly proxy: SessionProxy;
  readonly server: Server;
  /** What the browser sees. */
  readonly origin: string;
  /** A request below the prefix, as the browser of `user` would send it from our own page. */
  get(path: string, options?: Partial<RawRequest> & { readonly user?: string | null }): Promise<RawAnswer>;
  /** An open socket below the prefix, and what came over it. */
  socket(
    path: string,
    options?: { readonly user?: string; readonly headers?: Record<string, string> },
  ): TestSocket;
  close(): Promise<void>;
}

/** A WebSocket client that keeps everything that came. */
export interface TestSocket {
  readonly ws: WebSocket;
  readonly messages: string[];
  /** Resolves with the first message that satisfies; also one that came before. */
  message(satisfies?: (text: string) => boolean): Promise<string>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The status of a refused upgrade. */
  readonly refused: Promise<{ readonly status: number; readonly body: string }>;
}

/** How a stack differs from the usual one. */
export interface StackOptions {
  readonly tenant?: TenantEmulatorOptions;
  /** What kind of tenant it is; what `QSP_TEST_TENANT_KIND` says by default, else Qlik Cloud by signed token. */
  readonly kind?: TenantEmulatorKind;
  /** What the proxy is told of the tenant beside what its kind needs. */
  readonly tenantNames?: Readonly<Record<string, unknown>>;
  readonly proxy?: Partial<SessionProxyOptions>;
  /** Stands in for the local tenant's origin: a server of the test's own. */
  readonly tenantOrigin?: string;
  /** Time for the proxy and the local tenant; the machine's by default. */
  readonly clock?: ManualClock;
  /** Middlewares of the host that run on upgrades; none by default. */
  readonly before?: readonly Middleware[];
  /** Wraps the proxy as a host application would. */
  readonly mount?: (proxy: SessionProxy, server: Server) => Parameters<typeof createServer>[1];
}

/** Who the header `x-test-user` says the user is: `subject` or `subject;host session`. */
export function testIdentity(header: string | string[] | undefined): Identity | null {
  if (typeof header !== "string" || header === "") return null;
  const [subject = "", sessionId] = header.split(";");
  return { subject, name: subject, email: subject, groups: [], ...(sessionId ? { sessionId } : {}) };
}

/** The client that every stack speaks to its tenant with, where the test says nothing else; for whole suites at once. */
const upstreamClient = process.env["QSP_TEST_UPSTREAM_CLIENT"];

/** The adapter that every stack has its requests from, where the test says nothing else: "fastify", "fetch". */
const adapter = process.env["QSP_TEST_ADAPTER"];

const adapterMount = async (): Promise<StackOptions["mount"]> =>
  adapter === undefined ? undefined : (await import("./adapter-mounts.ts")).adapterMounts[adapter];

/** Starts a local tenant over plain HTTP that knows the test key. */
export function startTestTenant({
  clock,
  tenant,
  kind = tenantKind,
}: Pick<StackOptions, "clock" | "tenant" | "kind"> = {}): Promise<TenantEmulator> {
  const world = stackOf(kind, [testKey]);
  return createTenantEmulator({
    plainHttp: true,
    ...(clock ? { clock: { now: () => clock.now() } } : {}),
    identityProviders: [{ issuer: testKey.issuer, keyId: testKey.keyId, pem: publicKey }],
    ...world.tenant,
    ...tenant,
    modes: { ...world.tenant.modes, ...tenant?.modes },
  });
}

const caOf = ({ certificate }: TenantEmulator): { readonly ca?: string } =>
  certificate === undefined ? {} : { ca: certificate };

/** What a proxy is told of a tenant at this origin, of the kind that is looked at. */
export const tenantOptionsAt = (origin: string): SessionProxyOptions["tenant"] =>
  stackOf(tenantKind, [testKey]).proxy(origin) as unknown as SessionProxyOptions["tenant"];

/** The options of a proxy in front of a test tenant, but for who the user is. */
export function optionsFor(
  tenant: TenantEmulator,
  origin: string,
  more: Partial<SessionProxyOptions> = {},
): Omit<SessionProxyOptions, "identify"> {
  return {
    tenant: { origin: tenant.origin, signingKeys: [testKey], ...caOf(tenant) },
    publicOrigin: origin,
    unsafe: { plainHttpTenant: true, plainHttpPublic: true },
    ...more,
    upstream: {
      ...(upstreamClient === undefined ? {} : { client: upstreamClient }),
      ...more.upstream,
    } as NonNullable<SessionProxyOptions["upstream"]>,
  };
}

/** What a browser of a page of `origin` can do with the proxy below its prefix. */
export function browserOf(origin: string, prefix: string): Pick<Stack, "get" | "socket"> {
  const base = prefix === "/" ? "" : prefix;
  return {
    get: (path, { user = "ann", ...request } = {}) =>
      send({
        origin,
        path: base + path,
        ...request,
        headers: {
          "sec-fetch-site": "same-origin",
          ...(user === null ? {} : { "x-test-user": user }),
          ...request.headers,
        },
      }),
    socket: (path, { user = "ann", headers = {} } = {}) =>
      testSocket(`${origin.replace("http", "ws")}${base}${path}`, {
        origin,
        "x-test-user": user,
        ...headers,
      }),
  };
}

/** Starts a local tenant over plain HTTP and a proxy in front of it. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { clock, kind = tenantKind } = options;
  const tenant = await startTestTenant(options);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://portal.localhost:${(server.address() as AddressInfo).port}`;
  const proxyOptions: SessionProxyOptions = {
    identify: (request) => testIdentity(request.headers["x-test-user"]),
    identityHeaders: ["x-test-user"],
    ...optionsFor(tenant, origin, {
      tenant: {
        ...stackOf(kind, [testKey]).proxy(options.tenantOrigin ?? tenant.origin),
        ...options.tenantNames,
        ...caOf(tenant),
      } as SessionProxyOptions["tenant"],
      ...options.proxy,
    }),
  };
  const proxy = clock
    ? assembleSessionProxy(resolveOptions(proxyOptions), clock)
    : createSessionProxy(proxyOptions);
  const mount = options.mount ?? (await adapterMount());
  server.on("request", mount?.(proxy, server) ?? ((request, response) => proxy(request, response)));
  const detach = proxy.attach(server, { before: options.before ?? [] });
  return {
    tenant,
    proxy,
    server,
    origin,
    ...browserOf(origin, options.proxy?.prefix ?? "/qlik"),
    async close() {
      detach();
      await proxy.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await tenant.close();
    },
  };
}

/** Opens a socket and listens from the first moment. */
export function testSocket(url: string, headers: Record<string, string>): TestSocket {
  const { hostname, port, pathname, search } = new URL(url);
  const ws = new WebSocket(`ws://127.0.0.1:${port}${pathname}${search}`, {
    headers: { host: `${hostname}:${port}`, ...headers },
  });
  const messages: string[] = [];
  const waiting = new Set<() => void>();
  ws.on("message", (data: Buffer) => {
    messages.push(data.toString("utf8"));
    for (const look of waiting) look();
  });
  ws.on("error", () => {});
  return {
    ws,
    messages,
    message: (satisfies = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = messages.find(satisfies);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    closed: new Promise((resolve) =>
      ws.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") })),
    ),
    refused: new Promise((resolve) =>
      ws.on("unexpected-response", (request, response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          request.destroy();
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
        });
      }),
    ),
  };
}
