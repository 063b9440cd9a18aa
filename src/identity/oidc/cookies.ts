import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { onlyCookie, requestCookies } from "../../http/request-cookies.ts";
import type { RawHeaders } from "../../http/raw-headers.ts";
import { randomId } from "../../kernel/random.ts";
import type { Seal } from "../../store/seal.ts";
import type { SignInWish } from "../sign-in-source.ts";

/** What cookies are made for. */
export interface CookieSettings {
  readonly seal: Seal;
  readonly publicOrigin: string;
  readonly prefix: string;
  /** Names the provider and us; a cookie that was sealed for others does not open. */
  readonly purpose: string;
}

/** What the cookie of somebody who is signed in holds, and nothing else. rules R14 */
export interface LoginCookie {
  readonly id: string;
  /** Of the record at the time of the sign-in. */
  readonly epoch: number;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** A sign-in that was begun at this browser. */
export interface PendingSignIn {
  /** Where the person goes from there, and whether they had to prove anew who they are. */
  readonly wish: SignInWish;
  readonly state: string;
  readonly nonce: string;
  /** @see RFC 7636 */
  readonly verifier: string;
}

/** What a cookie holds of it. */
interface SealedSignIn {
  readonly key: string;
  readonly wish: SignInWish;
  readonly until: number;
}

/** Bytes of an id, of what a sign-in is derived from. */
const secretBytes = 24;

/** How long a person may take at the provider. Milliseconds. */
export const pendingFor = 600_000;

/**
 * Sign-ins that may be under way at one browser, in as many tabs; the oldest gives way. A page elsewhere can begin some,
 * and each is a cookie that the whole origin gets to see: together they stay far below what front doors take.
 */
const mostPending = 3;

/** The longest address to return to, in characters, for the same reason. */
export const longestReturnTo = 1000;

/** A sealed cookie of ours is shorter; a longer one is not even looked at. Characters. */
const longestCookie = 4096;

type CookieKind = "login" | "pending";

/** Ids, epochs and times in as many characters each, so that every cookie has the same length. */
const loginForm = /^([\w-]{32})\.([0-9a-f]{12})\.(\d{15})$/;

/** The cookies of a proxy that signs people in. They are for it alone: sealed, unreadable to scripts, never sent to the tenant. */
export class Cookies {
  readonly #settings: CookieSettings;
  readonly #loginName: string;
  readonly #pendingPrefix: string;
  readonly #attributes: string;

  constructor(settings: CookieSettings) {
    this.#settings = settings;
    const isSecure = settings.publicOrigin.startsWith("https:");
    // "__Host-" asks for the path "/", so that proxies below one origin tell themselves apart by the name.
    const name = `${isSecure ? "__Host-" : ""}qsp${settings.prefix.replaceAll("/", "-")}`;
    this.#loginName = name;
    this.#pendingPrefix = `${name}.signin.`;
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  }

  /** An id that nobody has had before, for a new sign-in. attacks S1 */
  newId(): string {
    return randomId(secretBytes);
  }

  /** Who is signed in, as far as a cookie says; null where there is none that is to be believed. attacks S2 */
  readLogin(raw: RawHeaders, now: number): LoginCookie | null {
    const sealed = onlyCookie(raw, this.#loginName);
    const text = sealed === null ? null : this.#open("login", sealed);
    const match = text === null ? null : loginForm.exec(text);
    if (match === null) return null;
    const [, id = "", epoch = "", expiry = ""] = match;
    const expiresAt = Number(expiry);
    return expiresAt > now ? { id, epoch: Number.parseInt(epoch, 16), expiresAt } : null;
  }

  /** Gone with the browser, and past `expiresAt` in any case. */
  setLogin({ id, epoch, expiresAt }: LoginCookie): string {
    const text = `${id}.${epoch.toString(16).padStart(12, "0")}.${String(expiresAt).padStart(15, "0")}`;
    return `${this.#loginName}=${this.#seal("login", text)}; ${this.#attributes}`;
  }

  clearLogin(): string {
    return this.#clear(this.#loginName);
  }

  /** Begins a sign-in: what it is bound to, and the cookies that bind it to this browser. */
  begin(
    raw: RawHeaders,
    wish: SignInWish,
    now: number,
  ): { readonly pending: PendingSignIn; readonly setCookies: readonly string[] } {
    const key = randomId(secretBytes);
    const pending = derived(key, wish);
    const sealed: SealedSignIn = { key, wish, until: now + pendingFor };
    const name = this.#nameOf(pending.state);
    const set = `${name}=${this.#seal("pending", JSON.stringify(sealed))}; ${this.#attributes}; Max-Age=${pendingFor / 1000}`;
    const older = this.#pendingIn(raw, now).sort((a, b) => b.until - a.until);
    const gone = older.filter(({ until }, at) => until === 0 || at >= mostPending - 1);
    return { pending, setCookies: [set, ...gone.map((each) => this.#clear(each.name))] };
  }

  /** The sign-in that this browser began under a state; null where it did not. */
  findPending(raw: RawHeaders, state: string, now: number): PendingSignIn | null {
    const name = this.#nameOf(state);
    const sealed = onlyCookie(raw, name);
    const opened = sealed === null ? null : this.#openPending(sealed, now);
    if (opened === null) return null;
    const pending = derived(opened.key, opened.wish);
    return isSame(pending.state, state) ? pending : null;
  }

  clearPending(state: string): string {
    return this.#clear(this.#nameOf(state));
  }

  /** Takes away cookies of ours that say nothing; that of a sign-in, unless it `counts`. */
  tidy(raw: RawHeaders, now: number, counts: boolean): readonly string[] {
    const hasLogin = !counts && requestCookies(raw).some(([name]) => name === this.#loginName);
    const old = this.#pendingIn(raw, now).filter(({ until }) => until === 0);
    return [...(hasLogin ? [this.clearLogin()] : []), ...old.map(({ name }) => this.#clear(name))];
  }

  /** Sign-ins under way, `until` 0 for what is none any more. */
  #pendingIn(raw: RawHeaders, now: number): { readonly name: string; readonly until: number }[] {
    const found = new Map<string, number>();
    for (const [name, sealed] of requestCookies(raw)) {
      // A name that is not one of ours is not written into an answer.
      if (!name.startsWith(this.#pendingPrefix) || !/\.[0-9a-f]{16}$/.test(name)) continue;
      if (found.size < mostTidied) found.set(name, this.#openPending(sealed, now)?.until ?? 0);
    }
    return [...found].map(([name, until]) => ({ name, until }));
  }

  #openPending(sealed: string, now: number): SealedSignIn | null {
    const text = this.#open("pending", sealed);
    if (text === null) return null;
    const opened = JSON.parse(text) as SealedSignIn;
    return opened.until > now ? opened : null;
  }

  #nameOf(state: string): string {
    return this.#pendingPrefix + createHash("sha256").update(state).digest("hex").slice(0, 16);
  }

  #clear(name: string): string {
    return `${name}=; ${this.#attributes}; Max-Age=0`;
  }

  #seal(what: CookieKind, text: string): string {
    return this.#settings.seal.seal(this.#placeOf(what), text);
  }

  #open(what: CookieKind, sealed: string): string | null {
    if (sealed.length > longestCookie) return null;
    return this.#settings.seal.open(this.#placeOf(what), sealed)?.text ?? null;
  }

  #placeOf(what: CookieKind): string {
    return `${what} cookie ${this.#settings.purpose}`;
  }
}

/** Cookies of one request that are taken away in one answer. */
const mostTidied = 20;

/** Everything of a sign-in follows from one secret, so that its cookie stays small. */
function derived(key: string, wish: SignInWish): PendingSignIn {
  const part = (what: string): string => createHmac("sha256", key).update(what).digest("base64url");
  return { wish, state: part("state"), nonce: part("nonce"), verifier: part("verifier") };
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}
