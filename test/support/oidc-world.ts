import { CookieJar } from "tough-cookie";
import { Secret } from "../../src/kernel/secret.ts";
import { openIdClaims } from "../../src/identity/claim-mapping.ts";
import { createOidcIdentify } from "../../src/identity/oidc/oidc-sign-in.ts";
import type { Identify } from "../../src/identity/identify.ts";
import { clientId, clientSecret, type OpenIdProvider, startOpenIdProvider } from "./openid-provider.ts";
import { type RawAnswer, type RawRequest, send } from "./raw-client.ts";
import { startStack, type Stack, type StackOptions, testSocket, type TestSocket } from "./stack.ts";

/** Local tenant, proxy and OpenID provider. */
export interface OidcWorld {
  readonly provider: OpenIdProvider;
  readonly stack: Stack;
  /** What the browser sees of the proxy. */
  readonly base: string;
  /** Another node: the same tenant, provider and public origin, over the store that `options` name. */
  addNode(options: NonNullable<StackOptions["proxy"]>): Promise<Stack>;
  /** A person's browser. */
  browser(): OidcBrowser;
  close(): Promise<void>;
}

/** The identity source of the tests, at a provider of the tests. */
export const oidcIdentify = (issuer: string, afterLogout?: string): Identify =>
  createOidcIdentify({
    issuer,
    clientId,
    clientSecret: new Secret(clientSecret),
    scopes: ["openid", "profile", "email"],
    claims: openIdClaims,
    afterLogout,
    mayBePlain: true,
  });

/** Starts a proxy whose people sign in at a provider. */
export async function startOidcWorld(proxy: NonNullable<StackOptions["proxy"]> = {}): Promise<OidcWorld> {
  const provider = await startOpenIdProvider();
  const identify = oidcIdentify(provider.issuer);
  const stack = await startStack({ proxy: { identify, identityHeaders: [], ...proxy } });
  const base = `${stack.origin}/qlik`;
  provider.serve(base);
  const nodes: Stack[] = [stack];
  return {
    provider,
    stack,
    base,
    async addNode(options) {
      const node = await startStack({
        tenantOrigin: stack.tenant.origin,
        proxy: {
          identify: oidcIdentify(provider.issuer),
          identityHeaders: [],
          publicOrigin: stack.origin,
          ...options,
        },
      });
      nodes.push(node);
      return node;
    },
    browser: () => new OidcBrowser(stack.origin),
    async close() {
      for (const node of nodes.reverse()) await node.close();
      await provider.close();
    },
  };
}

/** How a browser asks for something. */
export type Ask = Partial<Omit<RawRequest, "origin" | "path">> & {
  /** The node that it reaches, instead of what listens at the public origin. */
  readonly at?: Pick<Stack, "origin">;
};

/** As much of a browser as signing in needs: cookies, and pages that lead on. */
export class OidcBrowser {
  readonly jar: CookieJar = new CookieJar();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Opens an address as a link or a bookmark does; follows nothing. */
  async open(address: string, ask: Ask = {}): Promise<RawAnswer> {
    return this.#send(address, ask, {
      "sec-fetch-site": "none",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    });
  }

  /** Asks as a script on a page of the portal does. */
  async fetch(path: string, ask: Ask = {}): Promise<RawAnswer> {
    return this.#send(`${this.#origin}${path}`, ask, {
      "sec-fetch-site": "same-origin",
      "sec-fetch-mode": "cors",
      "sec-fetch-dest": "empty",
    });
  }

  /** Begins to sign in, and says who it is at the provider; answers the way back, which is not gone yet. */
  async wayBack(who: string, returnTo = "/", ask: Ask = {}): Promise<string> {
    const begun = await this.open(`${this.#origin}/qlik/login?returnto=${encodeURIComponent(returnTo)}`, ask);
    return this.atProvider(begun.header("location") ?? "", who);
  }

  /** Says who it is at the provider, to which an address leads; answers the way back. */
  async atProvider(address: string, who: string): Promise<string> {
    let to = address;
    for (let hops = 0; hops < 6; hops += 1) {
      if (to.startsWith(this.#origin)) return to;
      const answer = await this.open(to);
      const next = answer.header("location");
      to = new URL(next ?? `?as=${encodeURIComponent(who)}`, to).href;
    }
    throw new Error(`the provider leads nowhere: ${to}`);
  }

  /** Forgets one side's cookies, as a browser does for a site. */
  async forget(address: string): Promise<void> {
    for (const { key } of await this.jar.getCookies(address, { allPaths: true }))
      await this.jar.store.removeCookie(new URL(address).hostname, "/", key);
  }

  /** Signs in; answers what the way back was answered with. */
  async signIn(who: string, returnTo = "/", ask: Ask = {}): Promise<RawAnswer> {
    return this.open(await this.wayBack(who, returnTo, ask), ask);
  }

  /** A socket of a page of the portal. */
  async socket(path: string, at?: Stack): Promise<TestSocket> {
    const origin = at?.origin ?? this.#origin;
    return testSocket(`${origin.replace("http", "ws")}/qlik${path}`, {
      host: new URL(this.#origin).host,
      origin: this.#origin,
      cookie: await this.jar.getCookieString(this.#origin),
    });
  }

  /** The cookies that the proxy gets, by name. */
  async cookies(): Promise<ReadonlyMap<string, string>> {
    const found = await this.jar.getCookies(this.#origin);
    return new Map(found.map(({ key, value }) => [key, value]));
  }

  async #send(
    address: string,
    { at, headers, ...ask }: Ask,
    fetchHeaders: Record<string, string>,
  ): Promise<RawAnswer> {
    const { origin, host, pathname, search } = new URL(address);
    const cookie = await this.jar.getCookieString(address);
    const answer = await send({
      origin: at !== undefined && origin === this.#origin ? at.origin : origin,
      path: pathname + search,
      ...ask,
      headers: { host, ...fetchHeaders, ...(cookie === "" ? {} : { cookie }), ...headers },
    });
    for (let index = 0; index < answer.rawHeaders.length; index += 2) {
      const value = answer.rawHeaders[index + 1] ?? "";
      if (answer.rawHeaders[index]?.toLowerCase() === "set-cookie")
        await this.jar.setCookie(value, address, { ignoreError: true });
    }
    return answer;
  }
}
