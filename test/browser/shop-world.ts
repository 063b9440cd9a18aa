import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { createSessionProxy, type SessionProxy, type SessionProxyOptions } from "../../src/index.ts";
import { actingPage } from "./acts.ts";
import { endServer, listen, makeCertificate } from "./local-server.ts";
import { shopKey, shopProvider } from "./shop-key.ts";
import { recordVisits, type Visits } from "./visits.ts";

/** A shop's portal that embeds the tenant, and a server for everybody else on the net. */
export interface ShopWorld {
  readonly tenant: TenantEmulator;
  /** The portal as its users see it. */
  readonly portal: string;
  /** What came to the portal's server. */
  readonly visits: Visits;
  /** Whom the cookie of a request to the portal stands for. */
  userOf(headers: IncomingHttpHeaders): string | null;
  /** The portal's server under another name. */
  portalAs(name: string): string;
  /** An origin of the other server: `originOf("evil")` is another site, `originOf("sibling.shop")` the portal's. */
  originOf(name: string): string;
  close(): Promise<void>;
}

/** How the world is built. */
export interface ShopWorldOptions {
  /** Whether everything is behind TLS. */
  readonly tls: boolean;
  /** Browsers trust `.localhost` without TLS; `.test` they do not. */
  readonly topLevel: "localhost" | "test";
}

/** Where the portal has the proxies: with no origin listed, with some, and without an origin of its own. */
export const prefixes = ["/qlik", "/listed", "/library"] as const;

const html = (response: ServerResponse, body: string, headers: Record<string, string> = {}): void =>
  void response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers }).end(body);

/** The pages of everybody else: they hold and redirect to whatever they were asked for. */
function serveOthers(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
  if (pathname === "/redirect") {
    response
      .writeHead(Number(searchParams.get("status")), { location: searchParams.get("url") ?? "/" })
      .end();
  } else if (pathname === "/markup") {
    const policy = searchParams.get("policy") ?? "";
    html(
      response,
      searchParams.get("markup") ?? "",
      policy === "" ? {} : { "content-security-policy": policy },
    );
  } else html(response, actingPage);
}

/** The portal: it knows its users by a cookie, as host apps do. */
class Portal {
  readonly #users = new Map<string, string>();
  readonly proxies: SessionProxy[] = [];

  readonly userOf = ({ cookie = "" }: IncomingHttpHeaders): string | null =>
    this.#users.get(/(?:^|; )shop_session=([^;]*)/.exec(cookie)?.[1] ?? "") ?? null;

  readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
    if (pathname === "/sign-in") {
      const id = randomUUID();
      this.#users.set(id, searchParams.get("user") ?? "");
      const cookie = `shop_session=${id}; Path=/; HttpOnly; ${searchParams.get("cookie") ?? ""}`;
      return html(response, actingPage, { "set-cookie": cookie });
    }
    // What a route does that nobody guards: it takes the cookie for its word.
    if (pathname === "/unguarded") return void response.end(this.userOf(request.headers) ?? "nobody");
    if (pathname === "/") return html(response, actingPage);
    const [first, ...rest] = this.proxies;
    const pass = (proxy: SessionProxy | undefined, others: readonly SessionProxy[]): void =>
      proxy === undefined
        ? void response.writeHead(404).end()
        : proxy(request, response, () => pass(others[0], others.slice(1)));
    pass(first, rest);
  };
}

/** Starts everything on free ports of this machine. */
export async function createShopWorld({ tls, topLevel }: ShopWorldOptions): Promise<ShopWorld> {
  const certificate = tls ? await makeCertificate() : null;
  const tenant = await createTenantEmulator({
    identityProviders: [shopProvider],
  });
  const portal = new Portal();
  const server = await listen(portal.serve, certificate);
  const others = await listen(serveOthers, certificate);
  const originOn = (name: string, { port }: AddressInfo): string =>
    `${tls ? "https" : "http"}://${name}.${topLevel}:${port}`;
  const originOf = (name: string): string => originOn(name, others.address() as AddressInfo);
  const portalAs = (name: string): string => originOn(name, server.address() as AddressInfo);
  const publicOrigin = portalAs("portal.shop");

  const common: SessionProxyOptions = {
    tenant: {
      origin: tenant.origin,
      ca: tenant.certificate ?? "",
      signingKeys: [shopKey],
    },
    identify: (request) => {
      const user = portal.userOf(request.headers);
      return user === null ? null : { subject: user, name: user, email: `${user}@shop.example` };
    },
    policy: { presets: ["embed", "embed-write"], allow: ["GET,HEAD,POST /single/**"] },
    unsafe: { plainHttpPublic: !tls, foreignScriptOnAppOrigin: true },
  };
  portal.proxies.push(
    createSessionProxy({ ...common, prefix: prefixes[0], publicOrigin }),
    createSessionProxy({
      ...common,
      prefix: prefixes[1],
      publicOrigin,
      allowedOrigins: [originOf("app.shop"), originOf("partner")],
    }),
    createSessionProxy({ ...common, prefix: prefixes[2] }),
  );
  for (const proxy of portal.proxies) proxy.attach(server);
  const visits = recordVisits(server);

  return {
    tenant,
    portal: publicOrigin,
    visits,
    userOf: portal.userOf,
    portalAs,
    originOf,
    async close() {
      visits.close();
      for (const proxy of portal.proxies) await proxy.close();
      await endServer(server);
      await endServer(others);
      await tenant.close();
    },
  };
}
