import { once } from "node:events";
import * as http from "node:http";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { Provider } from "oidc-provider";

export const clientId = "analytics";
export const clientSecret = "a-client-secret-of-some-length";

/** A real OpenID provider on loopback, at which people sign in without a password: Ann, Bob, and whom a test adds. */
export interface OpenIdProvider {
  readonly issuer: string;
  /** Its signing key, with which a test makes tokens that the provider would not. */
  readonly signingKey: JWK;
  /** Calls of its routes so far, in their order. */
  readonly calls: readonly string[];
  /** What its back-channel calls were answered with. */
  readonly backChannel: readonly number[];
  /** By subject, what it says of a person beside that; a test may add some at any time. */
  readonly people: Map<string, Readonly<Record<string, unknown>>>;
  /** From now on it knows a relying party below this address; until then it answers nothing. */
  serve(base: string): void;
  /** Seconds since people who sign in from now on have proven to it who they are. */
  proofAge: number;
  /** Whether it answers 503 to everything. */
  isDown: boolean;
  close(): Promise<void>;
}

/** Starts it; the proxy is to be at `serve`'s address. */
export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const signingKey = { ...(await exportJWK(privateKey)), use: "sig", alg: "RS256", kid: "idp-1" };
  const calls: string[] = [];
  const backChannel: number[] = [];
  const people: OpenIdProvider["people"] = new Map([
    ["ann", { name: "Ann", email: "ann@acme.test", email_verified: true, groups: ["Sales"] }],
    ["bob", { name: "Bob", email: "bob@acme.test", email_verified: true, groups: ["Service"] }],
  ]);
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: OpenIdProvider = {
    issuer,
    signingKey,
    calls,
    backChannel,
    people,
    proofAge: 0,
    isDown: false,
    serve(base) {
      const own = new Provider(issuer, settings({ base, signingKey, people, backChannel }));
      const answer = own.callback();
      server.on("request", (request, response) => {
        calls.push(`${request.method} ${new URL(request.url ?? "/", issuer).pathname}`);
        if (provider.isDown) response.writeHead(503).end();
        else if (request.url?.startsWith("/sign-in/") === true)
          void interact(own, provider.proofAge, { request, response });
        else answer(request, response);
      });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return provider;
}

/** The page where a person says who they are, and the answer to it. */
async function interact(
  provider: Provider,
  proofAge: number,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const accountId = new URL(request.url ?? "/", "http://idp").searchParams.get("as");
  if (accountId !== null) {
    const ts = nowInSeconds() - proofAge;
    await provider.interactionFinished(request, response, { login: { accountId, ts } });
    return;
  }
  const path = request.url ?? "";
  response.writeHead(200, { "content-type": "text/html" });
  response.end(`<!doctype html><title>Sign in</title>
<a href="${path}?as=ann">Ann</a> <a href="${path}?as=bob">Bob</a>`);
}

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

interface Settings {
  readonly base: string;
  readonly signingKey: JWK;
  readonly people: OpenIdProvider["people"];
  readonly backChannel: number[];
}

const settings = ({
  base,
  signingKey,
  people,
  backChannel,
}: Settings): Readonly<Record<string, unknown>> => ({
  jwks: { keys: [signingKey] },
  cookies: { keys: ["keys-of-the-provider-itself"] },
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [`${base}/_session/callback`],
      post_logout_redirect_uris: [`${base}/after-logout`],
      backchannel_logout_uri: `${base}/_session/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ["sub", "sid"], profile: ["name", "groups"], email: ["email", "email_verified"] },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      // Nobody is asked twice: the page says yes by itself.
      logoutSource(context: { body: unknown }, form: string) {
        context.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`;
      },
    },
  },
  interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/sign-in/${uid}` },
  findAccount: (_: unknown, id: string) => ({
    accountId: id,
    claims: () => ({ sub: id, ...people.get(id) }),
  }),
  async loadExistingGrant({
    oidc: { provider, client, session },
  }: {
    readonly oidc: {
      readonly provider: Provider;
      readonly client: { readonly clientId: string };
      readonly session: { readonly accountId: string };
    };
  }) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
  ttl: {
    Interaction: 600,
    Session: 3600,
    Grant: 3600,
    IdToken: 600,
    AccessToken: 600,
    AuthorizationCode: 60,
  },
  async fetch(
    address: string,
    call: { readonly method: string; readonly headers?: Headers; readonly body?: URLSearchParams },
  ) {
    const status = call.method === "POST" ? await post(address, call.body?.toString() ?? "") : 404;
    backChannel.push(status);
    return new Response(null, { status });
  },
});

/** Posts a form to a name that only browsers know, on loopback. */
async function post(address: string, form: string): Promise<number> {
  const { protocol, host, port, pathname } = new URL(address);
  const request = (protocol === "https:" ? https : http).request({
    host: "127.0.0.1",
    port,
    path: pathname,
    method: "POST",
    headers: { host, "content-type": "application/x-www-form-urlencoded" },
    rejectUnauthorized: false,
  });
  request.end(form);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}
