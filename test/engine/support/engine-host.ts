import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import enigma from "enigma.js";
import schema from "enigma.js/schemas/12.2027.0.json" with { type: "json" };
import { WebSocket } from "ws";
import { createClock, type MovableClock } from "../../../src/emulator/clock.ts";
import type { AppDefinition } from "../../../src/emulator/engine/apps/app-definition.ts";
import { createEngine, type Engine } from "../../../src/emulator/engine/engine.ts";

/** An engine behind a server that lets everybody in: the user is named by the query. */
export interface EngineHost {
  readonly engine: Engine;
  readonly clock: MovableClock;
  readonly port: number;
  /** The codes that `onClose` told, in order. */
  readonly closeCodes: readonly number[];
  /** The URL of an app's socket, for a user and the groups they are in. */
  url(path: string, user?: string, groups?: readonly string[]): string;
  /** Waits until the engine has seen every socket go. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Starts an engine on a free port of this machine. */
export async function startEngineHost(apps?: readonly AppDefinition[]): Promise<EngineHost> {
  const clock = createClock();
  const engine = createEngine({ clock, ...(apps === undefined ? {} : { apps }) });
  const closeCodes: number[] = [];
  const server = createServer((request, response) => {
    // The two questions @qlik/api asks before it opens or resumes an app.
    response.setHeader("content-type", "application/json");
    if (request.url === "/api/v1/user-locale") response.end('{"userLocale":"en-US"}');
    else response.writeHead(404).end("{}");
  });
  server.on("upgrade", (request: IncomingMessage, socket, head: Buffer) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [, , appId = "", ...rest] = url.pathname.split("/");
    const user = url.searchParams.get("user") ?? "ada";
    engine.connect({
      request,
      socket,
      head,
      appId,
      identity: after(rest, "identity"),
      ttl: Number(after(rest, "ttl") || 0),
      user: { id: `id-${user}`, subject: user, name: user, groups: url.searchParams.getAll("group") },
      tenantSessionId: url.searchParams.get("session") ?? "s1",
      responseHeaders: ["Set-Cookie: AWSALB=abc; Path=/", "X-Tenant: local"],
      onClose: (code) => closeCodes.push(code),
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    engine,
    clock,
    port,
    closeCodes,
    url(path, user = "ada", groups = []) {
      const query = new URLSearchParams([
        ["user", user],
        ...groups.map((group): [string, string] => ["group", group]),
      ]);
      return `ws://127.0.0.1:${port}/app/${path}?${query.toString()}`;
    },
    async idle() {
      while (engine.sockets().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async close() {
      await engine.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function after(steps: readonly string[], name: string): string {
  const place = steps.indexOf(name);
  return place < 0 ? "" : (steps[place + 1] ?? "");
}

/** An object of the vendor's client; its methods come from a schema at run time. */
export interface VendorObject {
  readonly id: string;
  readonly handle: number;
  readonly session: VendorSession;
  on(event: "changed" | "closed", listener: () => void): void;
}

/** A session of the vendor's client. */
export interface VendorSession {
  open(): Promise<VendorObject>;
  close(): Promise<void>;
  suspend(): Promise<void>;
  resume(onlyIfAttached?: boolean): Promise<void>;
  on(event: string, listener: (payload: never) => void): void;
}

/** Creates a session of the vendor's client over the `ws` package. */
function createVendorSession(url: string, options: object = {}): VendorSession {
  const createSocket = (address: string): WebSocket => new WebSocket(address);
  return enigma.create({ schema, url, createSocket, ...options } as never) as unknown as VendorSession;
}

/** Calls a method of a vendor object by name. */
export async function invoke<Result>(
  object: VendorObject,
  method: string,
  ...parameters: readonly unknown[]
): Promise<Result> {
  const methods = object as unknown as Readonly<
    Record<string, (...all: readonly unknown[]) => Promise<Result>>
  >;
  const run = methods[method];
  if (run === undefined) throw new TypeError(`the client has no method ${method}`);
  return run.apply(object, parameters as unknown[]);
}

/** Opens a session and its app. */
export async function openApp(
  url: string,
  options: object = {},
): Promise<{ session: VendorSession; doc: VendorObject }> {
  const session = createVendorSession(url, options);
  const global = await session.open();
  const appId = decodeURIComponent(new URL(url).pathname.split("/")[2] ?? "");
  return { session, doc: await invoke<VendorObject>(global, "openDoc", appId) };
}
