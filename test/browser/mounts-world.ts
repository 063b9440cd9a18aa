import { randomUUID } from "node:crypto";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { authType as ownAuthType } from "../../src/browser/auth-module.ts";
import { createTenantEmulator, type TenantEmulator, type TenantEmulatorKind } from "../../src/emulator.ts";
import {
  createSessionProxy,
  type Identity,
  type SessionProxy,
  type SessionProxyOptions,
} from "../../src/index.ts";
import { stackOf } from "../support/tenant-kind.ts";
import { shopKey, shopProvider } from "./shop-key.ts";
import { endServer, listen, makeCertificate, type Handler } from "./local-server.ts";
import { mountPage, type EmbedHost } from "./mount-page.ts";

/** The three ways to mount; the last with our auth module, and with what the vendor has for cookies. product A */
export const mountNames = ["prefix", "root", "own host", "own host, `cookie`"] as const;
export type MountName = (typeof mountNames)[number];

/** One application with its proxy. */
export interface Mount {
  /** Where its pages are. */
  readonly app: string;
  /** Its page with a chart. */
  readonly page: string;
  /** Signs its user in and leads to a page of it; by default to that one. */
  signIn(path?: string): string;
  /** The proxy as pages see it: origin and prefix. */
  readonly base: string;
  /** What the vendor's client is told about signing in. */
  readonly authType: EmbedHost["authType"];
  /** The one user of it. */
  readonly subject: string;
}

/** Three applications of one site, each with a proxy that is mounted in another way, before one tenant of another site. */
export interface MountsWorld {
  readonly tenant: TenantEmulator;
  readonly mounts: Readonly<Record<MountName, Mount>>;
  /** A page that embeds straight from the tenant. */
  readonly direct: string;
  /** Puts a page below a path of every application. */
  publish(path: string, html: string): void;
  /** What the applications were asked for and do not have, since the last look. */
  takeMissing(): readonly string[];
  close(): Promise<void>;
}

interface WebBuilder {
  readonly buildWeb: (options: { readonly outdir: string }) => Promise<void>;
}
const builder = new URL("../../tools/build-web.mjs", import.meta.url).href;
const loader = fileURLToPath(
  new URL("../../node_modules/@qlik/embed-web-components/dist/index.js", import.meta.url),
);
const webIntegrationId = "shop-direct";

/** An application that knows its users by a cookie of the whole site. */
class ShopApp {
  readonly #users = new Map<string, string>();
  readonly #loader: Buffer;
  /** Its pages, by path. */
  readonly pages = new Map<string, string>();
  /** What it was asked for and does not have, since the last look. */
  readonly missing: string[] = [];

  constructor(loaderFile: Buffer) {
    this.#loader = loaderFile;
  }

  readonly identify = ({ headers }: IncomingMessage): Identity | null => {
    const sessionId = /(?:^|; )shop_session=([^;]*)/.exec(headers.cookie ?? "")?.[1] ?? "";
    const subject = this.#users.get(sessionId);
    return subject === undefined
      ? null
      : { subject, name: subject, email: subject, groups: ["Field sales"], sessionId };
  };

  readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
    const page = this.pages.get(pathname);
    if (page !== undefined) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
    } else if (pathname === "/qlik-embed-web-components.js") {
      response.writeHead(200, { "content-type": "text/javascript" }).end(this.#loader);
    } else if (pathname === "/sign-in") {
      const id = randomUUID();
      this.#users.set(id, searchParams.get("user") ?? "");
      const cookie = `shop_session=${id}; Path=/; Domain=shop.localhost; Secure; HttpOnly; SameSite=Lax`;
      response.writeHead(302, { "set-cookie": cookie, location: searchParams.get("to") ?? "/" }).end();
    } else {
      this.missing.push(pathname);
      response.writeHead(404).end();
    }
  };
}

const originOf = (name: string, server: Server): string =>
  `https://${name}.localhost:${(server.address() as AddressInfo).port}`;

/** How the world is built. */
export interface MountsWorldOptions {
  /** Whether the proxies deliver whole pages of the tenant. */
  readonly classic?: boolean;
  /** What kind of tenant it is; Qlik Cloud by signed token by default. */
  readonly kind?: TenantEmulatorKind;
}

/** Builds the browser code and starts everything on free ports of this machine. */
export async function createMountsWorld({
  classic = false,
  kind = "qlik-cloud-jwt",
}: MountsWorldOptions = {}): Promise<MountsWorld> {
  const ofKind = stackOf(kind, [shopKey]);
  const folder = await mkdtemp(join(tmpdir(), "qsp-web-"));
  const { buildWeb } = (await import(builder)) as WebBuilder;
  await buildWeb({ outdir: folder });
  const certificate = await makeCertificate();
  const tenant = await createTenantEmulator({
    assets: pathToFileURL(`${folder}/tenant/`),
    identityProviders: [shopProvider],
    ...ofKind.tenant,
  });
  const app = new ShopApp(await readFile(loader));
  const proxies: SessionProxy[] = [];
  const servers: Server[] = [];

  const serve = async (handler: Handler): Promise<Server> => {
    const server = await listen(handler, certificate);
    servers.push(server);
    return server;
  };
  const mountProxy = (server: Server, options: Partial<SessionProxyOptions>): SessionProxy => {
    const proxy = createSessionProxy({
      tenant: { ...ofKind.proxy(tenant.origin), ca: tenant.certificate ?? "" },
      identify: app.identify,
      ...options,
    } as SessionProxyOptions);
    proxies.push(proxy);
    proxy.attach(server);
    return proxy;
  };
  /** A server of the application, with the proxy in it, or the proxy alone. */
  const serveProxy = async (
    name: string,
    options: Partial<SessionProxyOptions>,
    others: Handler = (_request, response) => void response.writeHead(404).end(),
  ): Promise<string> => {
    const pass: Handler = (request, response) => proxy(request, response, () => others(request, response));
    const server = await serve(pass);
    const publicOrigin = originOf(name, server);
    const proxy = mountProxy(server, { publicOrigin, ...options });
    return publicOrigin;
  };
  const mountOf = (origin: string, path: string, host: EmbedHost): Mount => {
    app.pages.set(path, mountPage(host));
    const subject = `user${path.replace("/", "-")}@example.test`;
    const page = `${origin}${path}`;
    return {
      app: origin,
      page,
      signIn: (to = path) => `${origin}/sign-in?${new URLSearchParams({ user: subject, to }).toString()}`,
      base: host.host,
      authType: host.authType,
      subject,
    };
  };

  const policy = { presets: classic ? ["embed", "classic"] : ["embed"] };
  const unsafe = { foreignScriptOnAppOrigin: classic };
  const prefixOrigin = await serveProxy("prefix.shop", { policy, unsafe }, app.serve);
  const rootOrigin = await serveProxy("root.shop", { prefix: "/", policy, unsafe }, app.serve);
  const portalOrigin = originOf("portal.shop", await serve(app.serve));
  const ownHost = await serveProxy("analytics.shop", {
    prefix: "/",
    root: { ownHost: true },
    allowedOrigins: [portalOrigin],
    frameAncestors: [portalOrigin],
    policy,
  });
  const direct = mountOf(portalOrigin, "/direct", {
    host: tenant.origin,
    authType: "cookie",
    webIntegrationId,
  });
  tenant.addWebIntegration({ id: webIntegrationId, validOrigins: [portalOrigin] });

  return {
    tenant,
    mounts: {
      prefix: mountOf(prefixOrigin, "/prefix", { host: `${prefixOrigin}/qlik`, authType: "none" }),
      root: mountOf(rootOrigin, "/root", { host: rootOrigin, authType: "none" }),
      "own host": mountOf(portalOrigin, "/own-host", { host: ownHost, authType: ownAuthType }),
      "own host, `cookie`": mountOf(portalOrigin, "/own-host-cookie", { host: ownHost, authType: "cookie" }),
    },
    direct: direct.page,
    publish: (path, html) => void app.pages.set(path, html),
    takeMissing: () => app.missing.splice(0),
    async close() {
      for (const proxy of proxies) await proxy.close();
      for (const server of servers) await endServer(server);
      await tenant.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
