import { randomBytes } from "node:crypto";
import { valuesOf, type Headers } from "./headers.ts";

/** Which of the two users an attack acts as. */
export type PersonName = "user" | "other";

/**
 * Knows whose credential a request carries: those that the upstream has handed out at a login, and those that were seen
 * on the first request of each user.
 */
export class Owners {
  readonly #credential: string;
  /** Canary of a login to the subject that logged in. */
  readonly #issued = new Map<string, string>();
  readonly #subjects = new Map<string, PersonName>();
  readonly #values = new Map<string, PersonName>();

  /** `credential` names the header that carries it. */
  constructor(credential: string) {
    this.#credential = credential;
  }

  /** A new credential for whoever logs in as that subject. */
  issue(subject: string): string {
    const canary = `canary${randomBytes(12).toString("hex")}`;
    this.#issued.set(canary, subject);
    return canary;
  }

  /** Remembers that the credential in these headers is that person's. */
  learn(person: PersonName, headers: Headers): void {
    const value = this.valueIn(headers);
    const subject = [...this.#issued].find(([canary]) => value.includes(canary))?.[1];
    if (subject !== undefined) this.#subjects.set(subject, person);
    else if (value !== "") this.#values.set(value, person);
  }

  /** The credential in these headers, "" without one. */
  valueIn(headers: Headers): string {
    return valuesOf(headers, this.#credential).join("; ");
  }

  /** Whose credential is in these headers: a person, "nobody", "a stranger", or several of these. */
  ownerOf(headers: Headers): string {
    const value = this.valueIn(headers);
    if (value === "") return "nobody";
    const owners = new Set<string>();
    for (const [canary, subject] of this.#issued) {
      if (value.includes(canary)) owners.add(this.#subjects.get(subject) ?? "a stranger");
    }
    for (const [learned, person] of this.#values) if (value.includes(learned)) owners.add(person);
    return owners.size === 0 ? "a stranger" : [...owners].join(" and ");
  }

  /** Whether a text shows a credential of anybody; these must never leave towards a client. */
  isIn(text: string): boolean {
    return [...this.#issued.keys(), ...this.#values.keys()].some((secret) => text.includes(secret));
  }
}
