import type * as OpenIdClient from "openid-client";
import { SessionProxyError } from "../../errors.ts";
import { publish } from "../../kernel/channels.ts";
import type { Clock } from "../../kernel/clock.ts";
import { createSingleFlight } from "../../kernel/single-flight.ts";
import type { PendingSignIn } from "./cookies.ts";
import type { OidcOptions } from "./oidc-options.ts";
import { toSignInError, unreachable } from "./provider-failure.ts";

type Client = typeof OpenIdClient;

/** What a provider is spoken to with. */
export interface ProviderOptions {
  readonly oidc: OidcOptions;
  /** Where it leads a person who has signed in. */
  readonly redirectUri: string;
  readonly clock: Clock;
  /** Milliseconds for one call. */
  readonly timeout: number;
}

/** What a provider said of a person. */
export interface ProvenPerson {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly sub: string;
  readonly sid: string | null;
  readonly idToken: string;
  /** When the token was issued, in the provider's seconds. */
  readonly issuedAt: number;
  /** The same by this node's clock. Milliseconds. */
  readonly saidAt: number;
  /** When the person proved who they are, by this node's clock; null where the provider does not say. */
  readonly provenAt: number | null;
}

/** A provider whose metadata were read. */
interface Found {
  readonly client: Client;
  readonly config: OpenIdClient.Configuration;
  readonly at: number;
}

/** Metadata are read anew after this, in the background. Milliseconds. */
const freshFor = 3_600_000;

/** Waits between two tries to read them: the first, and the longest. Milliseconds. */
const firstWait = 1000;
const longestWait = 30_000;

/** Clocks may differ by so much. Seconds; attacks S10 */
export const clockTolerance = 300;

/** Forces nobody to sign in anew, but makes the provider say when they did. Seconds. @see OpenID Connect Core §3.1.2.1 */
const anyAge = 10 * 366 * 86_400;

/** An OpenID provider, whose metadata are read when it can be reached: the process does not wait for it. */
export class Provider {
  readonly #options: ProviderOptions;
  readonly #finding = createSingleFlight<"metadata", Found>();
  #found: Found | null = null;
  #failures = 0;
  #lastFailure: unknown;
  #notBefore = 0;
  #cancel = (): void => {};

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Begins to look for it, until it is found. */
  start(): void {
    this.#find().catch(() => {
      const wait = Math.max(0, this.#notBefore - this.#options.clock.now());
      this.#cancel = this.#options.clock.setTimer(wait, () => this.start());
    });
  }

  close(): void {
    this.#cancel();
  }

  /** Its metadata. @throws SessionProxyError `QSP-IDENTITY` */
  async metadata(): Promise<OpenIdClient.ServerMetadata> {
    return (await this.#find()).config.serverMetadata();
  }

  /** Where a person goes to prove who they are. @throws SessionProxyError `QSP-IDENTITY` */
  async authorizationUrl({ state, nonce, verifier, wish }: PendingSignIn): Promise<string> {
    const { client, config } = await this.#find();
    const { oidc, redirectUri } = this.#options;
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: oidc.scopes.join(" "),
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      max_age: String(anyAge),
      ...(wish.afresh ? { prompt: "login" } : {}),
    });
    return url.href;
  }

  /** Redeems what it sent a person back with, which has to belong to the sign-in. @throws SessionProxyError */
  async redeem(query: string, { state, nonce, verifier }: PendingSignIn): Promise<ProvenPerson> {
    const { client, config } = await this.#find();
    const { clock, redirectUri } = this.#options;
    const askedAt = clock.now();
    // As we are known to the provider, whatever the request called us.
    const wayBack = new URL(redirectUri);
    wayBack.search = query;
    try {
      const tokens = await client.authorizationCodeGrant(config, wayBack, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const token = tokens.claims();
      if (token === undefined || tokens.id_token === undefined) throw new Error("no ID token");
      const { sub, sid, iat, auth_time: signedInAt } = token;
      return {
        claims: { ...(await userInfo({ client, config }, tokens.access_token, sub)), ...token },
        sub,
        sid: typeof sid === "string" && sid !== "" ? sid : null,
        idToken: tokens.id_token,
        issuedAt: iat,
        saidAt: askedAt,
        // By how long before the token it was, so that the provider's clock does not matter.
        provenAt: signedInAt === undefined ? null : askedAt - Math.max(0, iat - signedInAt) * 1000,
      };
    } catch (failure) {
      throw toSignInError(failure);
    }
  }

  /** Where it ends its own session; null where it does not, or is not found yet: nobody waits for it to leave. */
  endSessionUrl(idToken: string | null): string | null {
    const { afterLogout } = this.#options.oidc;
    if (this.#found === null) return null;
    const { client, config } = this.#found;
    if (config.serverMetadata().end_session_endpoint === undefined) return null;
    const url = client.buildEndSessionUrl(config, {
      ...(idToken === null ? {} : { id_token_hint: idToken }),
      ...(afterLogout === undefined ? {} : { post_logout_redirect_uri: afterLogout }),
    });
    return url.href;
  }

  /** At once where it is known; while it is known to be away, nobody waits for it. */
  async #find(): Promise<Found> {
    const now = this.#options.clock.now();
    const isFresh = this.#found !== null && now - this.#found.at < freshFor;
    if (this.#found !== null && isFresh) return this.#found;
    if (now < this.#notBefore) {
      if (this.#found) return this.#found;
      throw unreachable(this.#lastFailure, Math.ceil((this.#notBefore - now) / 1000));
    }
    const finding = this.#finding.run("metadata", () => this.#discover());
    if (this.#found === null) return finding;
    finding.catch(() => {});
    return this.#found;
  }

  async #discover(): Promise<Found> {
    const { clock } = this.#options;
    try {
      const client = await import("openid-client");
      const config = await this.#configured(client);
      if (this.#failures > 0) publish("login", () => ({ event: "identity.recovered" }));
      this.#failures = 0;
      this.#found = { client, config, at: clock.now() };
      return this.#found;
    } catch (failure) {
      const wait = Math.min(longestWait, firstWait * 2 ** this.#failures);
      this.#failures += 1;
      this.#lastFailure = failure;
      this.#notBefore = clock.now() + wait;
      const error = unreachable(failure, Math.ceil(wait / 1000));
      if (this.#failures === 1)
        publish("login", () => ({ event: "identity.lost", level: "error", reason: error.reason }));
      throw error;
    }
  }

  async #configured(client: Client): Promise<OpenIdClient.Configuration> {
    const { issuer, clientId, clientSecret, mayBePlain } = this.#options.oidc;
    const secret = clientSecret.reveal();
    const basic = client.ClientSecretBasic(secret);
    const post = client.ClientSecretPost(secret);
    const authenticate: OpenIdClient.ClientAuth = (server, ...rest) => {
      const methods = server.token_endpoint_auth_methods_supported;
      const takesPostOnly =
        methods?.includes("client_secret_post") === true && !methods.includes("client_secret_basic");
      return (takesPostOnly ? post : basic)(server, ...rest);
    };
    return client.discovery(
      new URL(issuer),
      clientId,
      { [client.clockTolerance]: clockTolerance },
      authenticate,
      {
        timeout: Math.max(1, Math.ceil(this.#options.timeout / 1000)),
        execute: [
          client.enableNonRepudiationChecks,
          ...(mayBePlain === true ? [client.allowInsecureRequests] : []),
        ],
      },
    );
  }
}

/** What the provider tells beyond its token, where it has an answer to that. */
async function userInfo(
  { client, config }: Pick<Found, "client" | "config">,
  accessToken: string,
  sub: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (config.serverMetadata().userinfo_endpoint === undefined) return {};
  return client.fetchUserInfo(config, accessToken, sub);
}

/** A provider that was asked for something that it does not have. */
export const lacking = (what: string): SessionProxyError =>
  new SessionProxyError("QSP-IDENTITY", { reason: `the OpenID provider names no ${what} in its metadata` });
