import { type ErrorCode, OptionsError, type OptionProblem, SessionProxyError } from "../../errors.ts";
import { ListenError } from "../listener.ts";

/** What one process can ask of another; one argument, one answer. */
export type Calls<Names extends string> = Readonly<Record<Names, (argument: never) => unknown>>;

type Argument<Call> = Call extends (argument: infer Given) => unknown ? Given : never;
type Answer<Call> = Call extends (argument: never) => infer Given ? Awaited<Given> : never;

/** The other end of a channel between two processes. */
export interface Peer<Theirs> {
  /** Asks the other process. Rejects with its error, or with {@link PeerGone} when it is dead. */
  call<Name extends keyof Theirs & string>(
    name: Name,
    argument: Argument<Theirs[Name]>,
  ): Promise<Answer<Theirs[Name]>>;
  /** Tells the other process, which does not answer. */
  tell<Name extends keyof Theirs & string>(name: Name, argument: Argument<Theirs[Name]>): void;
  /** Takes a message of the channel. */
  receive(message: unknown): void;
  /** The other process is dead: whatever was asked of it is answered by that. */
  gone(): void;
}

/** The other process is dead. */
export class PeerGone extends Error {
  override readonly name = "PeerGone";

  constructor() {
    super("a worker ended while it was asked");
  }
}

/** An error in the form in which it travels; what is not one of ours does not travel in its own words. */
type Failure =
  | { readonly code: ErrorCode; readonly reason?: string; readonly retryAfter?: number }
  | { readonly problems: readonly OptionProblem[] }
  | { readonly listen: string }
  | { readonly message: string };

/** Without a number it is not answered. */
type Message =
  | { readonly id: number | null; readonly name: string; readonly argument: unknown }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: Failure };

/** What a peer is made from. */
export interface PeerOptions<Ours> {
  readonly send: (message: Message) => void;
  /** What the other process may ask. */
  readonly calls: Ours;
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** Creates one end of a channel. */
export function createPeer<Theirs>({ send, calls }: PeerOptions<Calls<string>>): Peer<Theirs> {
  const waiting = new Map<number, Waiting>();
  let isGone = false;
  let last = 0;

  const answer = async (id: number | null, name: string, argument: unknown): Promise<void> => {
    try {
      const call = Object.hasOwn(calls, name) ? calls[name] : undefined;
      if (call === undefined) throw new Error(`there is no ${name}`);
      const given: unknown = await call(argument as never);
      if (!isGone && id !== null) send({ id, answer: given ?? null });
    } catch (error) {
      if (!isGone && id !== null) send({ id, failure: toFailure(error) });
    }
  };

  return {
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        if (isGone) return reject(new PeerGone());
        last += 1;
        waiting.set(last, { resolve, reject });
        send({ id: last, name, argument });
      }),
    tell(name, argument) {
      if (!isGone) send({ id: null, name, argument });
    },
    receive(received) {
      const message = received as Message;
      if ("name" in message) return void answer(message.id, message.name, message.argument);
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if ("failure" in message) asked?.reject(fromFailure(message.failure));
      else asked?.resolve(message.answer as never);
    },
    gone() {
      isGone = true;
      for (const { reject } of waiting.values()) reject(new PeerGone());
      waiting.clear();
    },
  };
}

function toFailure(error: unknown): Failure {
  if (error instanceof OptionsError) return { problems: error.problems };
  if (error instanceof SessionProxyError) {
    const { code, reason, retryAfter } = error;
    return {
      code,
      ...(reason === undefined ? {} : { reason }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  }
  if (error instanceof ListenError) return { listen: error.message };
  return { message: error instanceof Error ? error.message : "failed" };
}

function fromFailure(failure: Failure): Error {
  if ("problems" in failure) return new OptionsError(failure.problems);
  if ("listen" in failure) return new ListenError(failure.listen);
  if ("message" in failure) return new Error(failure.message);
  const { code, ...options } = failure;
  return new SessionProxyError(code, options);
}
