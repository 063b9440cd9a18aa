/** What a page calls the module in its host config: `authType`, or `data-auth-type`. */
export const authType = "qlik-session-proxy" as const;

declare global {
  /** The vendor's list of such names, where `@qlik/api` is installed. */
  interface QlikAuthModules {
    [authType]: { config: object };
  }
}

/** Marks the requests of our own browser code: a page that may not send it does not come past the preflight. */
export const guardHeaders: Record<string, string> = { "X-QSP-Client": "1" };

/** How long the proxy may take to say who is signed in. Milliseconds. */
const patience = 10_000;

/** What the vendor's clients hand over of their configuration. */
export interface AuthModuleHost {
  /** The proxy with its prefix, as the page has configured it. */
  readonly host?: string | undefined;
}

/** What the vendor's clients ask of a module that they do not know. @see AuthModule in `@qlik/api/auth` */
export interface AuthModule {
  /** Renews the session of the app itself, where it has ended; whatever it gives is ignored. */
  renew?: (() => unknown) | undefined;
  getRestCallAuthParams(): Promise<{
    headers: typeof guardHeaders;
    queryParams: Record<string, string>;
    credentials: "include";
  }>;
  getWebSocketAuthParams(): Promise<{ queryParams: Record<string, string> }>;
  handleAuthenticationError(refusal: {
    readonly hostConfig: AuthModuleHost;
    readonly canRetry: boolean;
  }): Promise<{ retry?: boolean }>;
}

declare const location: { readonly origin: string };

/**
 * The address below which the proxy answers, without slash at the end: read as the vendor's clients read it, and a path is
 * one of the page's own origin.
 */
export function baseOf(host = "/"): string {
  const url = host.startsWith("/") ? location.origin + host : host;
  return (url.includes("://") ? url : `https://${url}`).replace(/\/+$/, "");
}

/** Asks with the user's cookies. */
export const ask = (url: string, method = "GET"): Promise<Response> =>
  fetch(url, {
    method,
    credentials: "include",
    headers: guardHeaders,
    signal: AbortSignal.timeout(patience),
  });

/**
 * Makes a module with which the vendor's clients reach a proxy on another origin of the same site: their requests carry the
 * user's cookies, and one that was refused is sent once more where the user is still, or again, signed in at the app.
 */
export function createAuthModule(): AuthModule {
  /** One question at a time, however many requests were refused. */
  const asking = new Map<string, Promise<boolean>>();

  const isVouchedFor = async (base: string): Promise<boolean> => {
    const answer = await ask(`${base}/_session`);
    return answer.ok && ((await answer.json()) as { authenticated?: unknown }).authenticated === true;
  };
  const renew = async (base: string): Promise<boolean> => {
    if (await isVouchedFor(base)) return true;
    if (!module.renew) return false;
    await module.renew();
    return isVouchedFor(base);
  };

  const module: AuthModule = {
    getRestCallAuthParams: async () => ({
      headers: guardHeaders,
      queryParams: {},
      credentials: "include",
    }),
    // A browser sends the cookies of the socket's host with every handshake.
    getWebSocketAuthParams: async () => ({ queryParams: {} }),
    async handleAuthenticationError({ hostConfig, canRetry }) {
      if (!canRetry) return {};
      const base = baseOf(hostConfig.host);
      const renewed = asking.get(base) ?? renew(base).finally(() => asking.delete(base));
      asking.set(base, renewed);
      return { retry: await renewed.catch(() => false) };
    },
  };
  return module;
}

/** Makes the module known to the vendor's clients in a page that bundles them: `register` is their `registerAuthModule`. */
export function registerQlikSessionProxy(
  register: (name: typeof authType, module: AuthModule) => unknown,
  options: Pick<AuthModule, "renew"> = {},
): void {
  register(authType, Object.assign(createAuthModule(), options));
}
