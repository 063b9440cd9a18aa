import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createTenantEmulator, type TenantEmulator, type TenantEmulatorOptions } from "../../src/emulator.ts";
import {
  type QlikCloudJwtOptions,
  type SigningKeyOptions,
  createSessionProxy,
  type Middleware,
  type OneOfTenants,
  type SessionProxy,
  type SeveralTenantsOptions,
} from "../../src/index.ts";
import type { OwnOfTenants } from "../../src/options/several-tenants.ts";
import { type RawAnswer, type RawRequest, send } from "./raw-client.ts";
import { testSocket, type TestSocket } from "./stack.ts";

/** The names of the two tenants. */
export type TenantName = "acme" | "globex";

const names: readonly TenantName[] = ["acme", "globex"];

const makePair = (): { readonly privateKey: string; readonly publicKey: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
};

/** A key for each tenant, which knows no other. */
const pairs = { acme: makePair(), globex: makePair() };

/** The key that signs for a tenant, PEM. */
export const privateKeyOf = (name: TenantName): string => pairs[name].privateKey;

/** How each tenant signs users in. */
const signingKeyOf = (name: TenantName): SigningKeyOptions => ({
  issuer: "portal.example.test",
  keyId: `key-of-${name}`,
  privateKey: privateKeyOf(name),
});

/** Starts the local tenant of a name, which takes no other key than its own. */
export const startTenant = (name: TenantName, options: TenantEmulatorOptions = {}): Promise<TenantEmulator> =>
  createTenantEmulator({
    plainHttp: true,
    hostname: `${name}.localhost`,
    identityProviders: [
      { issuer: "portal.example.test", keyId: `key-of-${name}`, pem: pairs[name].publicKey },
    ],
    ...options,
  });

/** Two local tenants, and one proxy before both. */
export interface TwoTenants {
  readonly tenants: Readonly<Record<TenantName, TenantEmulator>>;
  readonly proxy: SessionProxy;
  readonly server: Server;
  readonly port: number;
  /** What the browser sees of a tenant: its origin, and its prefix. */
  placeOf(name: TenantName): { readonly origin: string; readonly prefix: string };
  /** A request to a tenant, as a page of its place sends it; nobody's with `user: null`. */
  get(name: TenantName, path: string, request?: AskedRequest): Promise<RawAnswer>;
  socket(name: TenantName, path: string, user?: string): TestSocket;
  close(): Promise<void>;
}

/** A request, and whose it is. */
export type AskedRequest = Partial<RawRequest> & { readonly user?: string | null };

/** How a pair differs from the usual one. */
export interface TwoTenantsOptions {
  readonly by: "host" | "prefix" | "claim";
  readonly proxy?: Partial<SeveralTenantsOptions>;
  readonly entries?: Partial<Record<TenantName, Partial<OwnOfTenants & QlikCloudJwtOptions>>>;
  readonly before?: readonly Middleware[];
}

/** Starts them. The header `x-test-user` says who asks, `x-test-tenant` whose content it is. */
export async function startTwoTenants({
  by,
  proxy: more,
  entries,
  before = [],
}: TwoTenantsOptions): Promise<TwoTenants> {
  const tenants = { acme: await startTenant("acme"), globex: await startTenant("globex") };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const portal = `http://portal.localhost:${port}`;
  const placeOf = (name: TenantName): { readonly origin: string; readonly prefix: string } => ({
    origin: by === "host" ? `http://${name}-analytics.localhost:${port}` : portal,
    prefix: by === "prefix" ? `/qlik/${name}` : "/qlik",
  });
  const entryOf = (name: TenantName): OneOfTenants => {
    const { origin, prefix } = placeOf(name);
    return {
      name,
      match: by === "host" ? { host: new URL(origin).host } : by === "prefix" ? { prefix } : { claim: name },
      ...(by === "host" ? { publicOrigin: origin } : {}),
      origin: tenants[name].origin,
      signingKeys: [signingKeyOf(name)],
      ...entries?.[name],
    };
  };
  const proxy = createSessionProxy({
    tenants: names.map(entryOf),
    identify({ headers }) {
      const [user, tenant] = [headers["x-test-user"], headers["x-test-tenant"]].map((value) =>
        String(value ?? ""),
      );
      return user
        ? { subject: user, name: user, email: `${user}@example.com`, ...(tenant ? { tenant } : {}) }
        : null;
    },
    identityHeaders: ["x-test-user", "x-test-tenant"],
    ...(by === "host" ? {} : { publicOrigin: portal }),
    unsafe: { plainHttpTenant: true, plainHttpPublic: true },
    ...more,
  });
  server.on("request", (request, response) => proxy(request, response));
  const detach = proxy.attach(server, { before });
  const said = (name: TenantName, user: string | null): Record<string, string> =>
    user === null ? {} : { "x-test-user": user, "x-test-tenant": name };
  return {
    tenants,
    proxy,
    server,
    port,
    placeOf,
    get(name, path, { user = "ann", ...request } = {}) {
      const { origin, prefix } = placeOf(name);
      return send({
        origin,
        path: prefix + path,
        ...request,
        headers: { "sec-fetch-site": "same-origin", ...said(name, user), ...request.headers },
      });
    },
    socket(name, path, user = "ann") {
      const { origin, prefix } = placeOf(name);
      return testSocket(`${origin.replace("http", "ws")}${prefix}${path}`, { origin, ...said(name, user) });
    },
    async close() {
      detach();
      await proxy.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(names.map((name) => tenants[name].close()));
    },
  };
}

/** The code of an answer of ours. */
export const codeOf = (answer: RawAnswer): string =>
  (answer.json() as { readonly errors: readonly { readonly code: string }[] }).errors[0]?.code ?? "";
