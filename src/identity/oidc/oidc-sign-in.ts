import type { IncomingMessage } from "node:http";
import { SessionProxyError } from "../../errors.ts";
import { readBody } from "../../http/read-body.ts";
import { firstHeader } from "../../http/raw-headers.ts";
import { publish } from "../../kernel/channels.ts";
import type { Identify } from "../identify.ts";
import type { Identity } from "../identity.ts";
import type {
  MachineAnswer,
  Onward,
  SignedOut,
  SignInSource,
  SignInHouse,
  SignInRoute,
  SignInWish,
} from "../sign-in-source.ts";
import { Cookies, longestReturnTo, type PendingSignIn } from "./cookies.ts";
import { type LiveLogin, LoginBook, type LogoutOrder } from "./login-book.ts";
import { handleOf } from "./login-record.ts";
import { BadLogoutToken, type LogoutToken, LogoutTokens } from "./logout-token.ts";
import { identityIn } from "./identity-in.ts";
import type { OidcOptions } from "./oidc-options.ts";
import { Provider, type ProvenPerson } from "./provider.ts";

/** Makes the identity source that signs people in at an OpenID provider. rules R14 */
export function createOidcIdentify(options: OidcOptions): Identify {
  const identify: Identify = () => {
    throw new SessionProxyError("QSP-IDENTITY", { reason: "the identity source oidc needs publicOrigin" });
  };
  return Object.assign(identify, {
    openIn: (house: SignInHouse) => new OidcSignIn(options, house),
    ownRoutes,
    fixed: options,
  });
}

const callback = "callback";

/** What a source at an OpenID provider needs beside login and logout. product B4 */
const ownRoutes: ReadonlyMap<string, SignInRoute> = new Map([
  [callback, { method: "GET", guardedAs: "callback" }],
  ["backchannel-logout", { method: "POST", guardedAs: "backchannel-logout" }],
]);

/** A log-out order has some 1000 bytes. Bytes. */
const largestOrder = 16 * 1024;

/** The longest an order may take to come in. Milliseconds; attacks B2 */
const longestOrder = 10_000;

/** Why somebody whose sessions were ended is not let in again. */
const noProofTime =
  "the OpenID provider does not say when the person signed in (auth_time), who has to have done so since a revocation";

/** Sign-ins that this node has finished, so that a way back is not gone twice; the oldest give way. */
const mostFinished = 10_000;

/** Signs people in at an OpenID provider, and out when it says so. */
class OidcSignIn implements SignInSource {
  readonly #options: OidcOptions;
  readonly #house: SignInHouse;
  readonly #cookies: Cookies;
  readonly #book: LoginBook;
  readonly #provider: Provider;
  readonly #logoutTokens: LogoutTokens;
  readonly #finished = new Set<string>();

  constructor(options: OidcOptions, house: SignInHouse) {
    const { clock, seal, publicOrigin, prefix, documents, lifetime, storeGrace, timeout } = house;
    const { issuer, clientId } = options;
    this.#options = options;
    this.#house = house;
    const purpose = JSON.stringify([issuer, clientId, publicOrigin, prefix]);
    this.#cookies = new Cookies({ seal, publicOrigin, prefix, purpose });
    this.#book = new LoginBook({ documents, clock, issuer, lifetime, storeGrace });
    const redirectUri = `${publicOrigin}${prefix}/_session/callback`;
    const provider = new Provider({ oidc: options, redirectUri, clock, timeout });
    this.#provider = provider;
    this.#logoutTokens = new LogoutTokens({ provider, issuer, clientId, timeout, now: () => clock.now() });
    provider.start();
  }

  identify(request: IncomingMessage): Identity | null | Promise<Identity | null> {
    const cookie = this.#cookies.readLogin(request.rawHeaders, this.#now());
    if (cookie === null) return null;
    const identityIn = (login: LiveLogin | null): Identity | null =>
      login?.epoch === cookie.epoch ? login.identity : null;
    const found = this.#book.find(cookie.id);
    return found instanceof Promise ? found.then(identityIn) : identityIn(found);
  }

  async begin({ rawHeaders }: IncomingMessage, wish: SignInWish): Promise<Onward> {
    if (wish.returnTo.length > longestReturnTo)
      throw new SessionProxyError("QSP-TARGET", {
        reason: `returnto has more than ${longestReturnTo} characters`,
      });
    const { pending, setCookies } = this.#cookies.begin(rawHeaders, wish, this.#now());
    return { to: await this.#provider.authorizationUrl(pending), setCookies };
  }

  async end({ rawHeaders }: IncomingMessage): Promise<SignedOut> {
    const cookie = this.#cookies.readLogin(rawHeaders, this.#now());
    const setCookies = [this.#cookies.clearLogin()];
    if (cookie === null) return { to: null, setCookies };
    const login = await this.#book.end(cookie.id);
    return { to: this.#provider.endSessionUrl(login?.idToken ?? null), setCookies };
  }

  tidy({ rawHeaders }: IncomingMessage): readonly string[] {
    const cookie = this.#cookies.readLogin(rawHeaders, this.#now());
    const counts = cookie !== null && !this.#book.isOver(cookie.id);
    return this.#cookies.tidy(rawHeaders, this.#now(), counts);
  }

  answer(route: string, request: IncomingMessage, query: string): Promise<Onward | MachineAnswer> {
    return route === callback ? this.#finish(request, query) : this.#obey(request);
  }

  close(): void {
    this.#provider.close();
  }

  /** A person comes back from the provider. */
  async #finish(request: IncomingMessage, query: string): Promise<Onward> {
    try {
      const { state, wish, ...pending } = this.#take(request.rawHeaders, query);
      const person = await this.#provider.redeem(query, { state, wish, ...pending });
      const onward = await this.#admit(request, person, wish);
      return { ...onward, setCookies: [...onward.setCookies, this.#cookies.clearPending(state)] };
    } catch (error) {
      const { reason, fault } = error as { readonly reason?: string; readonly fault?: string };
      publish("login", () => ({
        event: "identity.refused",
        level: fault === "client" ? "info" : "error",
        reason,
      }));
      throw error;
    }
  }

  /** The sign-in that this browser began and has not finished. @throws SessionProxyError */
  #take(rawHeaders: readonly string[], query: string): PendingSignIn {
    const [state = "", ...more] = new URLSearchParams(query).getAll("state");
    const pending = more.length > 0 ? null : this.#cookies.findPending(rawHeaders, state, this.#now());
    if (pending === null || this.#finished.has(state))
      throw new SessionProxyError("QSP-UNAUTHENTICATED", {
        reason: "this browser has not begun this sign-in, or not lately, or it is finished",
      });
    this.#finished.add(state);
    if (this.#finished.size > mostFinished)
      this.#finished.delete(this.#finished.keys().next().value ?? state);
    return pending;
  }

  /**
   * Signs in who has proven who they are, unless all of theirs was ended since: then they are to prove it once more. A provider
   * need not say when they did, and whoever is sent to it can take out that it is asked: it may have been long before any end.
   */
  async #admit(request: IncomingMessage, person: ProvenPerson, wish: SignInWish): Promise<Onward> {
    const { claims, sub, saidAt, provenAt, ...token } = person;
    const identity = identityIn(claims, this.#options.claims);
    const id = this.#cookies.newId();
    const proof = { ...identity, evidenceAt: provenAt ?? 0, sessionId: handleOf(id) };
    const isFresh = !wish.afresh || provenAt !== null;
    if (!isFresh || !(await this.#house.admits(proof))) {
      if (!wish.afresh) return this.begin(request, { ...wish, afresh: true });
      throw new SessionProxyError("QSP-UNAUTHENTICATED", {
        reason: isFresh ? "revoked, for now or since the proof" : noProofTime,
      });
    }
    const times = { evidenceAt: provenAt ?? saidAt, claimsAt: saidAt };
    const entered = await this.#book.enter({ id, identity, sub, ...times, ...token });
    // Who was signed in at this browser before is not any more, whoever it was. attacks S1, S3
    const before = this.#cookies.readLogin(request.rawHeaders, this.#now());
    if (before !== null) await this.#forget(await this.#book.end(before.id));
    this.#tell("identity.signedIn", identity);
    return { to: wish.returnTo, setCookies: [this.#cookies.setLogin({ id, ...entered })] };
  }

  /** The provider orders a log-out. */
  async #obey(request: IncomingMessage): Promise<MachineAnswer> {
    const given = await readOrder(request);
    try {
      if (given === null) throw new BadLogoutToken("not one logout_token in a form");
      const order = await this.#logoutTokens.read(given);
      if (await this.#book.isUsed(order.jti)) throw new BadLogoutToken("used before");
      await this.#carryOut(order);
      // Not before: where something fails, the provider has to be able to repeat its order.
      await this.#book.noteUse(order.jti);
      return { status: 200 };
    } catch (error) {
      if (!(error instanceof BadLogoutToken)) throw error;
      const reason = `a logout token: ${error.message}`;
      publish("login", () => ({ event: "identity.refused", level: "warn", reason }));
      return { status: 400, json: { error: "invalid_request" } };
    }
  }

  /**
   * One session at the provider, or everything of a person. What ended is forgotten also where something fails.
   *
   * @see OpenID Connect Back-Channel Logout §2.7
   * @throws SessionProxyError `QSP-STORE` where the order has to be repeated
   */
  async #carryOut({ sid, sub, issuedAt }: LogoutToken): Promise<void> {
    const order: LogoutOrder = sid === null ? { sub: sub ?? "", issuedAt } : { sid, issuedAt };
    const { ended, failure } = await this.#book.endAll(order);
    const subjects = new Set(ended.map(({ identity }) => identity.subject));
    const forgotten = await Promise.allSettled([
      ...ended.map((login) => this.#forget(login)),
      ...(sid === null ? [...subjects].map((subject) => this.#house.revoke(subject)) : []),
    ]);
    for (const { identity } of ended) this.#tell("identity.signedOut", identity);
    if (failure !== null) throw failure;
    for (const each of forgotten) if (each.status === "rejected") throw each.reason;
  }

  async #forget(login: LiveLogin | null): Promise<void> {
    if (login !== null) await this.#house.logout(login.identity);
  }

  #tell(event: "identity.signedIn" | "identity.signedOut", { subject }: Identity): void {
    const { hashOf, tenantOrigin } = this.#house;
    publish("login", () => ({ event, subjectHash: hashOf(subject) ?? undefined, tenant: tenantOrigin }));
  }

  #now(): number {
    return this.#house.clock.now();
  }
}

/** The token in a form; null where there is not exactly one. @throws SessionProxyError `QSP-TOO-LARGE`, `QSP-TIMEOUT` */
async function readOrder(request: IncomingMessage): Promise<string | null> {
  const type = firstHeader(request.rawHeaders, "content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") return null;
  const body = await readBody(request, {
    largest: largestOrder,
    longest: longestOrder,
    tooLarge: () => new SessionProxyError("QSP-TOO-LARGE"),
    tooLong: () => new SessionProxyError("QSP-TIMEOUT", { status: 408 }),
  });
  const [token, ...more] = new URLSearchParams(body.toString("utf8")).getAll("logout_token");
  return token === undefined || token === "" || more.length > 0 ? null : token;
}
