import { SessionProxyError } from "../../errors.ts";
import type { Clock } from "../../kernel/clock.ts";
import { createSingleFlight } from "../../kernel/single-flight.ts";
import { standingIdentity } from "../checked-identity.ts";
import type { Identity } from "../identity.ts";
import type { DocumentReading, SealedDocuments } from "../sign-in-source.ts";
import {
  handleOf,
  indexNameOf,
  type KnownLogin,
  type LoginRecord,
  readIndex,
  readRecord,
  recordNameOf,
  usedNameOf,
} from "./login-record.ts";

/** What the book is made with. */
export interface LoginBookOptions {
  readonly documents: SealedDocuments;
  readonly clock: Clock;
  readonly issuer: string;
  /** How long somebody stays signed in. Milliseconds. */
  readonly lifetime: number;
  /** How long a login that was known is believed while the store is away. Milliseconds. */
  readonly storeGrace: number;
}

/** Somebody who has just signed in, times in this node's clock. */
export interface NewLogin {
  readonly id: string;
  readonly identity: KnownLogin["identity"];
  readonly evidenceAt: number;
  readonly claimsAt: number;
  readonly idToken: string;
  /** Who they are at the provider, and in which of its sessions; null where it names none. */
  readonly sub: string;
  readonly sid: string | null;
  /** When the provider said so, in its own seconds. */
  readonly issuedAt: number;
}

/** A login that is alive. */
export interface LiveLogin {
  readonly epoch: number;
  readonly identity: Identity;
  readonly idToken: string | null;
}

/** Whose logins a provider ends: those of one of its sessions, or all of a person. */
export type LogoutOrder = { readonly issuedAt: number } & (
  | { readonly sid: string }
  | { readonly sub: string }
);

/** What became of an order: who it ended, as far as that is known, and why it is not carried out wholly; null where it is. */
export interface CarriedOut {
  readonly ended: readonly LiveLogin[];
  readonly failure: unknown;
}

interface Known {
  readonly login: LiveLogin | null;
  readonly readAt: number;
}

/** A login is looked up again after this, so that its end is known everywhere in a second. Milliseconds. product C4 */
const sureFor = 1000;

/** Logins that a node has at hand; the oldest give way. */
const mostKnown = 20_000;

/** Logins of one person, or of one session at the provider; the oldest are ended. */
const mostOfOne = 100;

/** Longer than a token that orders a log-out can be used, or a sign-in can take. Milliseconds. */
const ordersHold = 30 * 60_000;

/** A longer token is not kept: the provider then asks the person whether to log out. Characters. */
const longestIdToken = 8192;

/** Who is signed in, in a store that all nodes share. */
export class LoginBook {
  readonly #options: LoginBookOptions;
  readonly #known = new Map<string, Known>();
  readonly #reading = createSingleFlight<string, LiveLogin | null>();

  constructor(options: LoginBookOptions) {
    this.#options = options;
  }

  /**
   * Enters a login. Refused where its provider has ended the session that it comes from in the meantime.
   *
   * @throws SessionProxyError `QSP-UNAUTHENTICATED`, `QSP-STORE`
   */
  async enter(login: NewLogin): Promise<{ readonly epoch: number; readonly expiresAt: number }> {
    const { documents, issuer, lifetime } = this.#options;
    const handle = handleOf(login.id);
    const names = [
      indexNameOf(issuer, "sub", login.sub),
      ...(login.sid === null ? [] : [indexNameOf(issuer, "sid", login.sid)]),
    ];
    // The indexes first: an order that comes in between finds the login, and an end that it writes is found below.
    for (const name of names) await this.#enterInto(name, handle, login);
    return documents.change(recordNameOf(handle), (reading) => {
      if (readRecord(reading) !== null) throw endedMeanwhile();
      const until = reading.now + lifetime;
      const record: LoginRecord = { epoch: 1, until, login: toKnown(login, reading) };
      return {
        text: JSON.stringify(record),
        outcome: { epoch: record.epoch, expiresAt: until + reading.offset },
      };
    });
  }

  /** The login of an id, at once where it was looked up lately; null where there is none. @throws SessionProxyError `QSP-STORE` */
  find(id: string): LiveLogin | null | Promise<LiveLogin | null> {
    const handle = handleOf(id);
    const known = this.#known.get(handle);
    const age = known && this.#options.clock.now() - known.readAt;
    // A clock that was set back says nothing about age.
    if (known && age !== undefined && age >= 0 && age < sureFor) return known.login;
    return this.#reading.run(handle, () => this.#look(handle, known));
  }

  /** Whether a login is known to be none any more. */
  isOver(id: string): boolean {
    return this.#known.get(handleOf(id))?.login === null;
  }

  /** Ends a login; who it was, or null where it was none any more. @throws SessionProxyError `QSP-STORE` */
  async end(id: string): Promise<LiveLogin | null> {
    const { login, failure } = await this.#end(handleOf(id));
    if (failure !== null) throw failure;
    return login;
  }

  /**
   * Ends what a provider orders, and bars what is being signed in under it. One login that cannot be ended keeps none of the
   * others alive.
   *
   * @throws SessionProxyError `QSP-STORE` where nothing could be done
   */
  async endAll(order: LogoutOrder): Promise<CarriedOut> {
    const { documents, issuer } = this.#options;
    const name =
      "sid" in order ? indexNameOf(issuer, "sid", order.sid) : indexNameOf(issuer, "sub", order.sub);
    const handles = await documents.change(name, (reading) => {
      const index = readIndex(reading);
      const endedAt = Math.max(index.endedAt, order.issuedAt);
      const outcome = index.logins.map(({ handle }) => handle);
      return { text: JSON.stringify({ ...index, endedAt }), outcome, keepFor: ordersHold };
    });
    const all = await Promise.all(handles.map((handle) => this.#end(handle)));
    const ended = all.flatMap(({ login }) => (login === null ? [] : [login]));
    return { ended, failure: all.find(({ failure }) => failure !== null)?.failure ?? null };
  }

  /** Whether a token was used. @throws SessionProxyError `QSP-STORE` */
  async isUsed(jti: string): Promise<boolean> {
    const { text } = await this.#options.documents.read(usedNameOf(this.#options.issuer, jti));
    return text !== null;
  }

  /** Notes that a token was used; to be called when its order is carried out: until then it may come again. @throws SessionProxyError `QSP-STORE` */
  noteUse(jti: string): Promise<void> {
    return this.#options.documents.change(usedNameOf(this.#options.issuer, jti), () => ({
      text: "used",
      outcome: undefined,
      keepFor: ordersHold,
    }));
  }

  async #enterInto(name: string, handle: string, { issuedAt }: NewLogin): Promise<void> {
    const { documents, lifetime } = this.#options;
    const crowdedOut = await documents.change(name, (reading) => {
      const { logins, endedAt } = readIndex(reading);
      if (issuedAt <= endedAt) throw endedMeanwhile();
      const all = [...logins, { handle, until: reading.now + lifetime }];
      return {
        text: JSON.stringify({ logins: all.slice(-mostOfOne), endedAt }),
        outcome: all.slice(0, -mostOfOne),
      };
    });
    // Out of the index, no order of the provider would reach them.
    for (const each of crowdedOut) {
      const { failure } = await this.#end(each.handle);
      if (failure !== null) throw failure;
    }
  }

  async #look(handle: string, known: Known | undefined): Promise<LiveLogin | null> {
    const { documents, clock, storeGrace } = this.#options;
    const askedAt = clock.now();
    try {
      const reading = await documents.read(recordNameOf(handle));
      const login = toLive(handle, readRecord(reading), reading.offset);
      const newer = this.#known.get(handle);
      // Ended here while the store was asked.
      if (newer && newer.readAt >= askedAt && newer !== known) return newer.login;
      return this.#keep(handle, { login, readAt: askedAt }).login;
    } catch (error) {
      // What it opens is told of its end by other means too; a known login may go on for a while.
      if (known && askedAt - known.readAt <= storeGrace) return known.login;
      throw error;
    }
  }

  /** Never rejects: whose login it was is told also where the store fails, so that what it opened ends all the same. */
  async #end(handle: string): Promise<{ readonly login: LiveLogin | null; readonly failure: unknown }> {
    const { documents, lifetime, clock } = this.#options;
    let login = this.#known.get(handle)?.login ?? null;
    // Here at once, whatever the store says.
    this.#keep(handle, { login: null, readAt: clock.now() });
    try {
      await documents.change(recordNameOf(handle), (reading) => {
        const record = readRecord(reading);
        // An answer that is lost may have been a yes, and a repetition would not find who it was.
        login = toLive(handle, record, reading.offset) ?? login;
        const { epoch = 0, until = reading.now + lifetime } = record ?? {};
        // Where there is nothing yet, somebody may be signing in: they will find this.
        const text = JSON.stringify({ epoch: epoch + 1, until, login: null } satisfies LoginRecord);
        const isOver = record !== null && record.login === null;
        return { ...(isOver ? {} : { text }), outcome: null };
      });
      return { login, failure: null };
    } catch (failure) {
      return { login, failure };
    } finally {
      this.#keep(handle, { login: null, readAt: clock.now() });
    }
  }

  #keep(handle: string, known: Known): Known {
    this.#known.delete(handle);
    this.#known.set(handle, known);
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value ?? handle);
    return known;
  }
}

const endedMeanwhile = (): SessionProxyError =>
  new SessionProxyError("QSP-UNAUTHENTICATED", { reason: "the provider has ended this session meanwhile" });

const toKnown = (
  { identity, evidenceAt, claimsAt, idToken }: NewLogin,
  { offset }: DocumentReading,
): KnownLogin => ({
  identity,
  evidenceAt: evidenceAt - offset,
  claimsAt: claimsAt - offset,
  idToken: idToken.length > longestIdToken ? null : idToken,
});

/** With a session id of its own for every sign-in: what was logged out does not come back under it. rules R1 */
function toLive(handle: string, record: LoginRecord | null, offset: number): LiveLogin | null {
  if (record?.login == null) return null;
  const { epoch, until, login } = record;
  const identity = standingIdentity({
    ...login.identity,
    sessionId: handle,
    expiresAt: until + offset,
    evidenceAt: login.evidenceAt + offset,
    claimsAt: login.claimsAt + offset,
  });
  return { epoch, identity, idToken: login.idToken };
}
