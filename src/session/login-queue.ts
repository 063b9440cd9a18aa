import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { randomId } from "../kernel/random.ts";
import { heldBack, remembered, type Failure, type Hold } from "./gate-hold.ts";
import { Pace } from "./gate-pace.ts";
import { Places, type Ahead, type Place } from "./gate-places.ts";
import { askGate, leaveLine, type GateAnswer, type GateRecord, type GateReport } from "./gate-record.ts";

/** Changes the record that the nodes share: asked again where another node was faster. Rejects with `QSP-STORE`. */
export type GatePort = <Outcome>(
  step: (
    record: GateRecord | null,
    now: number,
  ) => { readonly record?: GateRecord; readonly outcome: Outcome },
) => Promise<Outcome>;

/** What the queue is made from. */
export interface LoginQueueOptions {
  readonly tenantOrigin: string;
  readonly clock: Clock;
  /** Logins of all nodes in any minute; a burst of as many passes at once. 1 or more. */
  readonly perMinute: number;
  /** The longest that a user waits for a turn, and the longest that a login takes. Milliseconds. */
  readonly longestWait: number;
  /** Digest of the signing key at the start; another key is not held back by what is remembered of this one. */
  readonly signingKey: string;
  readonly gate: GatePort;
}

/** The right to log in once, now; what becomes of it is to be reported, whatever it is. The first report counts. */
export interface LoginTurn {
  succeeded(): void;
  /** Any error, also one that is not the tenant's. */
  failed(failure: Failure): void;
}

/** Who wants to log in. */
export interface LoginWish {
  /** Whether nobody waits for it: it comes after all others, and waits as long as it takes. */
  readonly background: boolean;
  /** Gives up the wish; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Gives each login its turn, so that all nodes together keep within the tenant's limit. */
export interface LoginQueue {
  /**
   * Waits for a turn. `subject` is a keyed hash; its place is that of its first arrival, also if it was told to come back.
   *
   * @throws SessionProxyError the remembered failure at once, `QSP-BUSY` where the wait would be too long, `QSP-STORE`
   */
  enter(subject: string, wish: LoginWish): Promise<LoginTurn>;
  /** Whether nobody may log in at the moment, as far as this node knows. */
  readonly closed: boolean;
  /** Number of those who wait. */
  readonly waiting: number;
  /** Another key signs from now on; what becomes of logins that were begun with the one before says nothing of it. */
  signWith(signingKey: string): void;
  /** Answers everybody who waits; idempotent. */
  close(): void;
}

/** Creates the queue of one node. */
export function createLoginQueue(options: LoginQueueOptions): LoginQueue {
  return new Queue(options);
}

interface Waiter {
  readonly go: (serial: number) => void;
  readonly fail: (error: unknown) => void;
}

/** Subjects whose place is kept; more are told to come back without one. */
const mostPlaces = 10_000;

/** A login is cut off after the longest wait; what its signer and its report take comes on top. Milliseconds. */
const probeSlack = 5000;

/** What this node knows of a hold is asked for again after this: another node may have ended it. Milliseconds. */
const knowledgeLasts = 1000;

/** A turn is heard of so much later than it was due; nobody is to be told just then that it took too long. Milliseconds. */
const storeTrip = 100;

/** A place is kept for twice the time that its subject was told, and this long. Milliseconds. */
const placeSlack = 30_000;

class Queue implements LoginQueue {
  readonly #options: LoginQueueOptions;
  readonly #clock: Clock;
  /** Tells this node from the others; nothing is decided by it. */
  readonly #node = randomId(6);
  readonly #pace: Pace;
  readonly #places = new Places<Waiter>(mostPlaces);
  readonly #background = new Set<Waiter>();
  #reports: GateReport[] = [];
  #signingKey: string;
  #held: { readonly hold: Hold; readonly since: number } | null = null;
  #isAsking = false;
  #isOver = false;

  constructor(options: LoginQueueOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#signingKey = options.signingKey;
    this.#pace = new Pace(options.clock, options.perMinute);
  }

  get closed(): boolean {
    return heldBack(this.#held?.hold ?? null, this.#clock.now()) !== null;
  }

  get waiting(): number {
    return this.#places.waiters + this.#background.size;
  }

  async enter(subject: string, { background, signal }: LoginWish): Promise<LoginTurn> {
    signal?.throwIfAborted();
    if (this.#isOver) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    if (background) return this.#enterBackground(subject, signal);
    const now = this.#clock.now();
    const place = this.#places.take(subject, now);
    const known = this.#knownFailure(now);
    if (known) throw this.#keepPlace(place, known);
    if (place === null) throw busy(this.#pace.untilTurn(this.#places.size));
    const ahead = this.#places.ahead(place);
    if (this.#pace.isResting && this.#isTooLong(ahead)) {
      throw this.#keepPlace(place, busy(this.#pace.untilTurn(ahead.places)));
    }
    return this.#wait(subject, signal, (waiter) => {
      this.#places.join(place, waiter);
      const cancel = this.#clock.setTimer(this.#options.longestWait, () =>
        waiter.fail(busy(this.#pace.untilTurn(this.#places.ahead(place).places))),
      );
      return (error) => {
        cancel();
        this.#places.leave(place, waiter);
        if (error !== undefined) this.#keepPlace(place, error);
      };
    });
  }

  signWith(signingKey: string): void {
    if (signingKey === this.#signingKey) return;
    this.#signingKey = signingKey;
    this.#reports = [];
    this.#held = null;
    this.#pump();
  }

  close(): void {
    this.#isOver = true;
    this.#failAll(() => new SessionProxyError("QSP-BUSY", { retryAfter: 0 }));
    this.#pace.stop();
    // Where it cannot be told, the others wait for one turn that is not taken.
    this.#options.gate((record) => leaveLine(record, this.#node)).catch(() => {});
  }

  async #enterBackground(subject: string, signal: AbortSignal | undefined): Promise<LoginTurn> {
    const known = this.#knownFailure(this.#clock.now());
    if (known) throw known;
    return this.#wait(subject, signal, (waiter) => {
      this.#background.add(waiter);
      return () => void this.#background.delete(waiter);
    });
  }

  /** `join` puts a waiter in its lane; the function that it gives takes it out again, with the error if there is one. */
  #wait(
    subject: string,
    signal: AbortSignal | undefined,
    join: (waiter: Waiter) => (error?: unknown) => void,
  ): Promise<LoginTurn> {
    return new Promise((resolve, reject) => {
      const abort = (): void => waiter.fail(signal?.reason);
      const waiter: Waiter = {
        go: (serial) => {
          signal?.removeEventListener("abort", abort);
          leave();
          resolve(this.#turn(serial, subject));
        },
        fail: (error) => {
          signal?.removeEventListener("abort", abort);
          leave(error);
          // A signal may be aborted with anything.
          reject(error as Error);
        },
      };
      const leave = join(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      this.#pump();
    });
  }

  #turn(serial: number, subject: string): LoginTurn {
    let isTold = false;
    const signedWith = this.#signingKey;
    const tell = (failure: Failure | null): void => {
      if (isTold) return;
      isTold = true;
      if (signedWith !== this.#signingKey) return;
      this.#reports.push({ serial, subject, failure });
      this.#pump();
    };
    return { succeeded: () => tell(null), failed: tell };
  }

  /** One question at a time: whoever comes meanwhile is asked for together with the others by the next one. */
  #pump(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#askWhileNeeded();
  }

  async #askWhileNeeded(): Promise<void> {
    while (this.#reports.length > 0 || (!this.#pace.isResting && this.waiting > 0)) await this.#ask();
    this.#isAsking = false;
  }

  async #ask(): Promise<void> {
    const { gate, perMinute, longestWait } = this.#options;
    const signingKey = this.#signingKey;
    const reports = this.#reports.splice(0);
    const wanted = this.#pace.isResting ? 0 : this.waiting;
    const question = {
      node: this.#node,
      key: signingKey,
      perMinute,
      probeFor: longestWait + probeSlack,
      reports,
      wanted,
    };
    try {
      const answer = await gate((record, now) => askGate(record, now, question));
      if (signingKey === this.#signingKey) this.#hear(answer, wanted);
      // What holds another key back is nothing to this one, which is asked for next; a turn is a turn.
      else for (const serial of answer.turns) this.#next()?.go(serial);
    } catch (error) {
      // A report that is lost costs little: the next failure tells the same, and the one who tries has a time limit.
      if (wanted > 0) this.#failAll(() => error);
    }
  }

  #hear({ turns, wait, sharers, held, changed }: GateAnswer, wanted: number): void {
    const now = this.#clock.now();
    for (const serial of turns) this.#next()?.go(serial);
    this.#held = held && { hold: { ...held.hold, until: now + held.wait }, since: now };
    if (changed) publishChange(changed, this.#held?.hold ?? null, this.#options.tenantOrigin);
    if (held) {
      this.#pace.stop();
      this.#failAll(() => remembered(held.hold, held.wait));
    } else if (turns.length < wanted && !this.#isOver) {
      this.#rest(wait, sharers);
    }
  }

  #next(): Waiter | undefined {
    const [renewal] = this.#background;
    return this.#places.shift() ?? renewal;
  }

  /** Nobody can have a turn for so long; those for whom it is too long are told so. */
  #rest(wait: number, sharers: number): void {
    this.#pace.rest(wait, sharers, () => this.#pump());
    for (const { place, ahead } of this.#places.present()) {
      if (!this.#isTooLong(ahead)) continue;
      for (const waiter of place.waiters) waiter.fail(busy(this.#pace.untilTurn(ahead.places)));
    }
  }

  #isTooLong({ waiting }: Ahead): boolean {
    return this.#pace.untilTurn(waiting) + storeTrip > this.#options.longestWait;
  }

  #knownFailure(now: number): SessionProxyError | null {
    const { hold = null, since = 0 } = this.#held ?? {};
    return Math.abs(now - since) < knowledgeLasts ? heldBack(hold, now) : null;
  }

  #keepPlace<Failed>(place: Place<Waiter> | null, error: Failed): Failed {
    const told = error instanceof SessionProxyError ? (error.retryAfter ?? 0) * 1000 : 0;
    if (place) place.keptUntil = this.#clock.now() + 2 * told + placeSlack;
    return error;
  }

  #failAll(error: () => unknown): void {
    for (const { place } of this.#places.present()) {
      for (const waiter of place.waiters) waiter.fail(error());
    }
    for (const waiter of this.#background) waiter.fail(error());
  }
}

const busy = (wait: number): SessionProxyError =>
  new SessionProxyError("QSP-BUSY", {
    retryAfter: Math.max(1, Math.ceil(wait / 1000)),
    reason: "limits.loginsPerMinute is reached",
  });

function publishChange(changed: "closed" | "opened", hold: Hold | null, tenant: string): void {
  publish("login", () => ({
    event: changed === "closed" ? "logins.heldBack" : "logins.resumed",
    tenant,
    ...(hold === null ? {} : { level: "error", code: hold.code }),
    ...(hold?.reason === undefined ? {} : { reason: hold.reason }),
  }));
}
