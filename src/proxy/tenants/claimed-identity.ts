import type { IncomingMessage } from "node:http";
import { SessionProxyError } from "../../errors.ts";
import { checkIdentity } from "../../identity/checked-identity.ts";
import type { Identify } from "../../identity/identify.ts";
import type { Identity, Named } from "../../identity/identity.ts";

/** The word of the host on a request, from when its tenant was looked for until that tenant's proxy takes it. */
export class Answers {
  readonly #given = new WeakMap<IncomingMessage, Promise<Identity | null>>();

  /** Asks the host who this is, and keeps the answer, also where it is a failure or yet to come. Rejects as the source does. */
  ask(source: Identify, request: IncomingMessage): Promise<Identity | null> {
    const answer = Promise.resolve()
      .then(() => source(request))
      .then(checkIdentity);
    this.#given.set(request, answer);
    return answer;
  }

  /** The answer, once: whoever asks again asks the host. Undefined where it was not asked. */
  take(request: IncomingMessage): Promise<Identity | null> | undefined {
    const answer = this.#given.get(request);
    this.#given.delete(request);
    return answer;
  }
}

/**
 * The identity source as the proxy of one tenant sees it. It is not that proxy's to close.
 *
 * With `claim` it names people of that tenant alone: to the proxy everybody else is nobody, however the request came to
 * it, so that a person whose tenant changes between two questions opens nothing at the former one.
 */
export function sourceFor(
  source: Identify,
  claim?: { readonly value: string; readonly answers: Answers },
): Identify {
  const { close: _, ...rest } = { ...source };
  if (claim === undefined) return Object.assign((request: IncomingMessage) => source(request), rest);
  const { value, answers } = claim;
  const mine = (identity: Identity | null): Identity | null => (identity?.tenant === value ? identity : null);
  const ofMine = (named: Named): Named =>
    named instanceof Promise ? named.then((each) => mine(checkIdentity(each))) : mine(checkIdentity(named));
  const { givenAfter } = source;
  return Object.assign(
    (request: IncomingMessage): Named => {
      const answer = answers.take(request);
      return ofMine(answer ?? source(request));
    },
    {
      ...rest,
      ...(givenAfter === undefined
        ? {}
        : { givenAfter: (request: IncomingMessage, since: number) => ofMine(givenAfter(request, since)) }),
    },
  );
}

/** A person whom the host vouches for, and whose tenant is none of ours. */
export const ofNoTenant = (): SessionProxyError =>
  new SessionProxyError("QSP-USER-REFUSED", {
    reason:
      "the identity names no tenant of the configuration: match.claim has to be what the identity source says",
  });
