import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { createSessionProxy, type SessionProxy } from "../../src/index.ts";

/**
 * A portal at `portal.shop.localhost` whose pages embed analytics from a proxy at `analytics.shop.localhost`, where there is
 * nothing else: one site, two origins.
 */
export interface OwnHostWorld {
  readonly tenant: TenantEmulator;
  readonly proxy: SessionProxy;
  readonly portal: string;
  readonly analytics: string;
  /** What came to the proxy since the last call: method, path and status, preflights left out. */
  takeAsked(): readonly string[];
  /** Forgets who is signed in at the portal. */
  signEverybodyOut(): void;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const root = fileURLToPath(new URL("../..", import.meta.url));

async function listen(handler: Handler): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "test/browser/own-host-page.ts")],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    external: ["fs"],
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

/** The portal: it knows its people by a cookie of the whole site, so that the proxy is sent it too. */
class Portal {
  readonly #sessions = new Map<string, string>();
  readonly #files: ReadonlyMap<string, string>;
  analytics = "";

  constructor(files: ReadonlyMap<string, string>) {
    this.#files = files;
  }

  readonly userOf = ({ headers }: IncomingMessage): string | null =>
    this.#sessions.get(/(?:^|; )shop_session=([^;]*)/.exec(headers.cookie ?? "")?.[1] ?? "") ?? null;

  forgetEverybody(): void {
    this.#sessions.clear();
  }

  readonly serve: Handler = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
    const script = this.#files.get(pathname);
    if (script !== undefined)
      return void response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    const user = searchParams.get("user");
    if (pathname === "/sign-in" && user !== null) {
      const id = randomUUID();
      this.#sessions.set(id, user);
      response.setHeader(
        "set-cookie",
        `shop_session=${id}; Domain=shop.localhost; Path=/; HttpOnly; SameSite=Lax`,
      );
    }
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      // No inline script, no eval: what the auth module and the helper have to live with.
      "content-security-policy": `default-src 'none'; script-src 'self' ${this.analytics}; connect-src 'self' ${this.analytics} ${this.analytics.replace("http", "ws")}; style-src 'unsafe-inline'; img-src data: ${this.analytics}; font-src data:`,
    });
    response.end(this.#page(pathname));
  };

  #page(pathname: string): string {
    const loader = (authType: string): string =>
      `<script src="/qlik-embed-web-components.js" data-host="${this.analytics}" data-auth-type="${authType}"></script>`;
    const modules: Readonly<Record<string, string>> = {
      "/script": `<script src="${this.analytics}/_session/auth-module.js"></script>${loader("qlik-session-proxy")}`,
      "/module": `<script type="module" src="${this.analytics}/_session/auth-module.js"></script>`,
      "/cookie": loader("cookie"),
    };
    const chart =
      '<div style="width:600px;height:400px"><qlik-embed ui="analytics/chart" app-id="8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10" object-id="bar-sales-by-country"></qlik-embed></div>';
    return `<!doctype html><html data-analytics="${this.analytics}"><head><meta charset="utf-8"><title>portal</title><link rel="icon" href="data:,">${modules[pathname] ?? ""}<script src="/page.js"></script></head><body>${pathname in modules && pathname !== "/module" ? chart : ""}</body></html>`;
  }
}

/** Starts everything on free ports of this machine. */
export async function createOwnHostWorld(): Promise<OwnHostWorld> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-384",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const tenant = await createTenantEmulator({
    identityProviders: [{ issuer: "shop", keyId: "1", pem: publicKey }],
  });
  const loader = join(root, "node_modules/@qlik/embed-web-components/dist/index.js");
  const portal = new Portal(
    new Map([
      ["/page.js", await bundlePage()],
      ["/qlik-embed-web-components.js", await readFile(loader, "utf8")],
    ]),
  );
  const asked: string[] = [];
  const proxies: SessionProxy[] = [];
  const portalServer = await listen(portal.serve);
  const server = await listen((request, response) => {
    const { method = "", url = "" } = request;
    response.on("close", () => {
      if (method !== "OPTIONS") asked.push(`${method} ${url.split("?", 1)[0]} ${response.statusCode}`);
    });
    proxies[0]?.(request, response);
  });
  const originOf = (name: string, { port }: AddressInfo): string => `http://${name}.shop.localhost:${port}`;
  const portalOrigin = originOf("portal", portalServer.address() as AddressInfo);
  const analytics = originOf("analytics", server.address() as AddressInfo);
  portal.analytics = analytics;
  const proxy = createSessionProxy({
    tenant: {
      origin: tenant.origin,
      ca: tenant.certificate ?? "",
      signingKeys: [{ issuer: "shop", keyId: "1", privateKey }],
    },
    identify: (request) => {
      const user = portal.userOf(request);
      return user === null ? null : { subject: user, name: user, email: `${user}@shop.example` };
    },
    prefix: "/",
    root: { takeLogin: true },
    publicOrigin: analytics,
    allowedOrigins: [portalOrigin],
    policy: { presets: ["embed", "embed-write"] },
    unsafe: { plainHttpPublic: true },
  });
  proxies.push(proxy);
  proxy.attach(server);

  return {
    tenant,
    proxy,
    portal: portalOrigin,
    analytics,
    takeAsked: () => asked.splice(0),
    signEverybodyOut: () => portal.forgetEverybody(),
    async close() {
      await proxy.close();
      for (const each of [server, portalServer]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
      await tenant.close();
    },
  };
}
