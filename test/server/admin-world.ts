import { createHmac, generateKeyPairSync } from "node:crypto";
import { afterEach } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { createStandaloneServer, Secret, type StandaloneServer } from "../../src/server.ts";
import type { ListedSession } from "../../src/proxy/session-proxy.ts";
import { type RawAnswer, type RawRequest, send } from "../support/raw-client.ts";
import { testIdentity, testSocket, type TestSocket } from "../support/stack.ts";

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const publicKey = keys.publicKey.export({ type: "spki", format: "pem" }).toString();

export const adminToken = "0123456789abcdef0123456789abcdef";
export const webhookSecret = "fedcba9876543210fedcba9876543210";

/** What the browser calls the front door; nothing listens there. */
const publicOrigin = "http://portal.localhost:8443";

/** A local tenant, and a server with both of its listeners. */
export interface AdminWorld {
  readonly tenant: TenantEmulator;
  readonly server: StandaloneServer;
  readonly adminUrl: string;
  /** A request of a browser, which makes a session for `user`: `subject` or `subject;host session`. */
  visit(user: string): Promise<RawAnswer>;
  /** Any other request of a browser, below the prefix. */
  browse(path: string, user: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** A socket of a browser, open. */
  socket(user: string): Promise<TestSocket>;
  /** A request to the private listener, with the token. */
  ask(method: string, path: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** The same without the token. */
  askUnknown(method: string, path: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** What `GET /sessions` lists. */
  list(query?: string): Promise<readonly ListedSession[]>;
}

/** Which secrets the private listener has; both by default. */
export interface AdminSecrets {
  readonly token?: string | null;
  readonly webhookSecret?: string | null;
}

/** What makes worlds, and closes them after each test. */
export interface AdminWorlds {
  (secrets?: AdminSecrets): Promise<AdminWorld>;
  /** Two nodes with one tenant and one store. */
  pair(store: string): Promise<readonly [AdminWorld, AdminWorld]>;
}

/** To be called once by each test file. */
export function adminWorlds(): AdminWorlds {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  const keep = <Kept extends { close(): Promise<void> }>(kept: Kept): Kept => {
    open.push(() => kept.close());
    return kept;
  };
  const startTenant = async (): Promise<TenantEmulator> =>
    keep(
      await createTenantEmulator({
        plainHttp: true,
        identityProviders: [{ issuer: "acme-portal", keyId: "2026-01", pem: publicKey }],
      }),
    );
  const make = async (secrets: AdminSecrets = {}): Promise<AdminWorld> => {
    const tenant = await startTenant();
    return toWorld(tenant, keep(await startServer(tenant, secrets)));
  };
  return Object.assign(make, {
    async pair(store: string): Promise<readonly [AdminWorld, AdminWorld]> {
      const tenant = await startTenant();
      const [one, other] = [await startServer(tenant, {}, store), await startServer(tenant, {}, store)];
      return [toWorld(tenant, keep(one)), toWorld(tenant, keep(other))];
    },
  });
}

const startServer = (
  tenant: TenantEmulator,
  { token = adminToken, webhookSecret: secret = webhookSecret }: AdminSecrets,
  store = "memory",
): Promise<StandaloneServer> =>
  createStandaloneServer({
    listen: { host: "127.0.0.1", port: 0 },
    admin: {
      listen: { host: "127.0.0.1", port: 0 },
      ...(token === null ? {} : { token: new Secret(token) }),
      ...(secret === null ? {} : { webhookSecret: new Secret(secret) }),
    },
    options: {
      tenant: {
        origin: tenant.origin,
        signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", privateKey }],
      },
      identify: (request) => testIdentity(request.headers["x-test-user"]),
      identityHeaders: ["x-test-user"],
      publicOrigin,
      store,
      secret: "a-secret-of-thirty-two-bytes-or-so",
      replicas: store === "memory" ? 1 : 2,
      // A busy machine is not a store that is down.
      timeouts: { store: "2s" },
      unsafe: { plainHttpTenant: true, plainHttpPublic: true },
    },
    drain: { delay: 0, deadline: 1000 },
  });

interface AppList {
  readonly data: readonly { readonly resourceId: string }[];
}

function toWorld(tenant: TenantEmulator, server: StandaloneServer): AdminWorld {
  const { host } = new URL(publicOrigin);
  const adminUrl = server.adminUrl ?? "";
  const askUnknown: AdminWorld["ask"] = (method, path, request = {}) =>
    send({ origin: adminUrl, method, path, ...request });
  const ask: AdminWorld["ask"] = (method, path, request = {}) =>
    askUnknown(method, path, {
      ...request,
      headers: { authorization: `Bearer ${adminToken}`, ...request.headers },
    });
  const browse: AdminWorld["browse"] = (path, user, request = {}) =>
    send({
      origin: server.url,
      path: `/qlik${path}`,
      ...request,
      headers: { host, "sec-fetch-site": "same-origin", "x-test-user": user },
    });
  return {
    tenant,
    server,
    adminUrl,
    ask,
    askUnknown,
    browse,
    visit: (user) => browse("/api/v1/users/me", user),
    async socket(user) {
      const apps = (await browse("/api/v1/items?resourceType=app", user)).json() as AppList;
      const url = `${server.url.replace("http", "ws")}/qlik/app/${apps.data[0]?.resourceId}`;
      const socket = testSocket(url, { host, origin: publicOrigin, "x-test-user": user });
      await socket.message();
      return socket;
    },
    list: async (query = "") => (await ask("GET", `/sessions${query}`)).json() as readonly ListedSession[],
  };
}

/** How a delivery is signed. */
interface Signing {
  readonly id?: string;
  /** Milliseconds since the Unix epoch. */
  readonly at?: number;
  readonly key?: string | Buffer;
}

/** The headers of a signed delivery. */
export function signed(
  body: string,
  { id = "event-1", at = Date.now(), key = webhookSecret }: Signing = {},
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

/** Visits until the two seconds are over in which a revoked user stays out. rules R1 */
export async function comeBack(visit: () => Promise<{ readonly status: number }>): Promise<number> {
  for (let tries = 0; tries < 60; tries += 1) {
    const { status } = await visit();
    if (status !== 401) return status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return 401;
}
