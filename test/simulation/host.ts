import type { Evidence, SessionSubject } from "../../src/session/openings.ts";
import type { Random } from "./random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A person, as the host application knows him or her. */
export interface User {
  readonly subject: string;
  groups: readonly string[];
  readonly usesSessionIds: boolean;
  readonly browsers: readonly Browser[];
}

/** A browser of a person, and whether it is signed in at the host. */
export interface Browser {
  readonly user: User;
  isSignedIn: boolean;
  /** The host session's id; undefined where the host gives none. */
  sessionId: string | undefined;
}

/** The host application behind all nodes: who is signed in where. */
export class Host {
  readonly users: readonly User[];
  readonly #random: Random;
  /** The part of the second questions to which the host names somebody else. */
  readonly #flips: number;
  #sessions = 0;

  constructor(options: { readonly users: number; readonly random: Random; readonly flips: number }) {
    this.#random = options.random;
    this.#flips = options.flips;
    const usesSessionIds = this.#random.chance(0.5);
    this.users = Array.from({ length: options.users }, (_, index) =>
      this.#user(`user${index + 1}`, usesSessionIds),
    );
  }

  /** Signs a browser in, under a new host session. */
  signIn(browser: Browser): void {
    browser.isSignedIn = true;
    if (browser.user.usesSessionIds) browser.sessionId = this.#newSession();
  }

  signOut(browser: Browser): void {
    browser.isSignedIn = false;
  }

  /** What the host says of a browser now. */
  identify({ user, isSignedIn, sessionId }: Browser): SessionSubject | null {
    if (!isSignedIn) return null;
    return {
      subject: user.subject,
      name: user.subject,
      groups: user.groups,
      ...(sessionId === undefined ? {} : { sessionId }),
    };
  }

  /** The host's word on a request that a process got now; null where nobody is signed in. */
  vouch(browser: Browser, process: SimulatedProcess): Evidence | null {
    const identity = this.identify(browser);
    if (identity === null) return null;
    const again = (): Promise<SessionSubject | null> =>
      new Promise((resolve) =>
        process.deliver(this.#random.between(0, 30), () => resolve(this.#answerAgain(browser, identity))),
      );
    return { identity, at: process.clock.now(), again };
  }

  /** The second answer is for the same host session: the browser sent its cookie with the request. */
  #answerAgain(browser: Browser, first: SessionSubject): SessionSubject | null {
    if (this.#random.chance(this.#flips)) return { subject: `not-${first.subject}` };
    const now = this.identify(browser);
    return now?.sessionId === first.sessionId ? now : null;
  }

  #user(subject: string, usesSessionIds: boolean): User {
    const browsers: Browser[] = [];
    const user: User = { subject, groups: ["a"], usesSessionIds, browsers };
    const count = 1 + this.#random.below(2);
    for (let index = 0; index < count; index += 1) {
      const browser: Browser = { user, isSignedIn: false, sessionId: undefined };
      browsers.push(browser);
      this.signIn(browser);
    }
    return user;
  }

  #newSession(): string {
    this.#sessions += 1;
    return `h${this.#sessions}`;
  }
}
