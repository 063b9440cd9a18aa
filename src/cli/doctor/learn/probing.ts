import { randomId } from "../../../kernel/random.ts";
import { firstHeader, headerValues } from "../../../http/raw-headers.ts";
import { systemClock } from "../../../kernel/clock.ts";
import { type AssertionKey, signAssertion } from "../../../tenant/assertion.ts";
import { type Claims, toClaims } from "../../../tenant/claims.ts";
import type { TenantAnswer } from "../../../tenant/port.ts";
import { createCookieJar, type CookieJar } from "../../../http/cookie-jar.ts";
import type { TenantProfile } from "../../../server/tenant-profile.ts";
import { errorCodeOf, lane } from "../tenant-calls.ts";
import type { Visit } from "../visit.ts";

/** An answer as the profile keeps it. */
export type LearnedAnswer = TenantProfile["tokens"]["expired"];

/** What the profile keeps of an answer. */
export const learned = (answer: TenantAnswer): LearnedAnswer => ({
  status: answer.status,
  code: errorCodeOf(answer),
});

/** How a token differs from one of a login. */
export interface TokenChange {
  readonly key?: Partial<AssertionKey>;
  /** Names of claims that it leaves out. */
  readonly without?: readonly string[];
  /** Milliseconds by which it is made earlier. */
  readonly age?: number;
}

/** A session that a probe began. */
export interface ProbeSession {
  readonly jar: CookieJar;
  readonly setCookies: readonly string[];
}

/** Speaks to a tenant in ways in which `serve` never does, and ends whatever session comes of it. */
export class Probing {
  readonly visit: Visit;
  /** How long is waited for what may never come. Milliseconds. */
  readonly patience: number;
  readonly #sessions: ProbeSession[] = [];

  constructor(visit: Visit, patience: number) {
    this.visit = visit;
    this.patience = patience;
  }

  get origin(): string {
    return this.visit.get("options").tenant.origin;
  }

  /** A request with exactly these headers. */
  ask(path: string, headers: readonly string[] = [], method: "GET" | "POST" = "GET"): Promise<TenantAnswer> {
    const { login: timeout } = this.visit.get("options").timeouts;
    const all = ["accept", "application/json", ...headers];
    return this.visit.get("upstream").callFor(lane)({ method, path, headers: all, timeout });
  }

  async token({ key = {}, without = [], age = 0 }: TokenChange = {}): Promise<string> {
    const own = this.visit.signingKey;
    const clock = { ...systemClock, now: () => Date.now() - age };
    const claims = Object.entries(toClaims(this.visit.get("person")));
    const kept = Object.fromEntries(claims.filter(([name]) => !without.includes(name)));
    return signAssertion({ ...own, ...key }, kept as unknown as Claims, clock);
  }

  /** Sends a token to the login; a session that begins is ended with the others. */
  async exchange(token: string): Promise<TenantAnswer> {
    const answer = await this.ask("/login/jwt-session", ["authorization", `Bearer ${token}`], "POST");
    if (answer.status < 300) this.#keep(answer);
    return answer;
  }

  async signIn(): Promise<ProbeSession> {
    const answer = await this.exchange(await this.token());
    if (answer.status >= 300) throw new Error(`the login answers ${answer.status}`);
    return this.#keep(answer);
  }

  /** The Cookie header of a session, of some names alone where they are given. */
  cookie({ jar }: ProbeSession, only?: readonly string[]): readonly string[] {
    const text = jar.header("/", Date.now());
    const parts = text.split("; ").filter((part) => only?.includes(part.split("=", 1)[0] ?? "") ?? true);
    return ["cookie", parts.join("; ")];
  }

  async csrfToken(session: ProbeSession): Promise<string> {
    const answer = await this.ask("/api/v1/csrf-token", this.cookie(session));
    return firstHeader(answer.headers, "qlik-csrf-token") ?? "";
  }

  /** A path of the engine that nobody else uses. */
  enginePath(): string {
    return `/app/engineData/identity/doctor-${randomId(9, "hex")}`;
  }

  logout(session: ProbeSession): Promise<TenantAnswer> {
    return this.ask("/logout", this.cookie(session));
  }

  /** Ends every session that is left. */
  async end(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await this.logout(session).catch(() => {});
  }

  #keep(answer: TenantAnswer): ProbeSession {
    const setCookies = headerValues(answer.headers, "set-cookie");
    const jar = createCookieJar({ host: new URL(this.origin).hostname, secure: true });
    jar.absorb(setCookies, Date.now());
    const session = { jar, setCookies };
    this.#sessions.push(session);
    return session;
  }
}
