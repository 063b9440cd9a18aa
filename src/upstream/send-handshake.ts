import type { Socket } from "node:net";
import { SessionProxyError } from "../errors.ts";
import { HandshakeReader, type Refusal } from "./handshake-reader.ts";
import { Countdown } from "../kernel/countdown.ts";
import { socketOpener } from "./http1/open-socket.ts";
import { writeHandshake } from "./http1/request-head.ts";
import { WireError } from "./http1/wire-error.ts";
import type { Trust } from "./trust.ts";
import { aborted, toUpstreamError } from "./upstream-error.ts";

/** What the tenant answered to an upgrade: a socket, which is paused, or its refusal. */
export type UpgradeAnswer =
  | { readonly socket: Socket; readonly headers: readonly string[]; readonly head: Buffer }
  | Refusal;

/** Who waits for the answer; one at a time hears that it waits no longer. */
export interface Caller {
  readonly isGone: boolean;
  onGone: (() => void) | null;
}

/** One handshake with the tenant. */
export interface HandshakeRequest {
  /** Path and query, byte for byte. */
  readonly path: string;
  /** Names and values in turn, without the host. */
  readonly headers: readonly string[];
}

/** Sends a handshake on a connection of its own. @throws SessionProxyError */
export type SendHandshake = (request: HandshakeRequest, caller: Caller) => Promise<UpgradeAnswer>;

/** To whom handshakes go. */
export interface HandshakeOptions {
  readonly origin: string;
  readonly trust: Trust;
  /** Milliseconds: for the connection, and from then on for the answer. */
  readonly timeouts: { readonly connect: number; readonly headers: number };
}

/** Silence after which the kernel asks whether the tenant is still there. Milliseconds. */
const keepAliveDelay = 30_000;

/** Handshakes with one tenant. */
export interface HandshakeSender {
  readonly send: SendHandshake;
  /** Ends the handshakes that are not answered yet; no other is sent. */
  close(): void;
}

/** Prepares handshakes with a tenant. */
export function handshakeSender({ origin, trust, timeouts }: HandshakeOptions): HandshakeSender {
  const { host } = new URL(origin);
  const open = socketOpener(origin, trust, { connect: timeouts.connect, probe: keepAliveDelay });
  const pending = new Set<(error: unknown) => void>();
  let isClosed = false;
  const send: SendHandshake = (request, caller) =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(aborted());
      if (caller.isGone) return reject(gone());
      const settled = (answer: UpgradeAnswer | null, error: unknown): void => {
        caller.onGone = null;
        pending.delete(fail);
        if (answer === null) reject(toUpstreamError(error));
        else resolve(answer);
      };
      let text: string;
      try {
        text = writeHandshake(host, request.path, request.headers);
      } catch (error) {
        return reject(toUpstreamError(error));
      }
      let handshake: Handshake | null = null;
      const giveUp = open({
        opened(socket) {
          handshake = new Handshake(socket, settled);
          handshake.send(text, timeouts.headers);
        },
        failed: (error) => settled(null, error),
      });
      const fail = (error: unknown): void => {
        if (handshake !== null) return handshake.fail(error);
        giveUp();
        settled(null, error);
      };
      pending.add(fail);
      caller.onGone = () => fail(gone());
    });
  return {
    send,
    close() {
      isClosed = true;
      for (const fail of pending) fail(aborted());
    },
  };
}

const gone = (): SessionProxyError => new SessionProxyError("QSP-UPSTREAM", { reason: "client gone" });

/** A handshake on a connection that is there; nothing of it is left there once it is answered. */
class Handshake {
  readonly #socket: Socket;
  readonly #settled: (answer: UpgradeAnswer | null, error: unknown) => void;
  readonly #reader = new HandshakeReader();
  readonly #countdown = new Countdown();
  #isOver = false;

  constructor(socket: Socket, settled: (answer: UpgradeAnswer | null, error: unknown) => void) {
    this.#socket = socket;
    this.#settled = settled;
  }

  send(text: string, wait: number): void {
    this.#socket.on("data", this.#take);
    for (const event of ends) this.#socket.on(event, this.#lose);
    this.#countdown.start(wait, () => {
      const late = new WireError("HTTP1_HEADERS_TIMEOUT", "the tenant did not answer the upgrade");
      // A refusal whose words do not end is one all the same.
      this.#lose(late);
    });
    this.#socket.write(text, "latin1");
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#putAway();
    this.#end(null, error);
  }

  #take = (bytes: Buffer): void => {
    if (this.#isOver) return;
    try {
      const answer = this.#reader.read(bytes);
      if (answer === null) return;
      this.#putAway();
      if ("status" in answer) return this.#end(answer, null);
      // Whoever takes it over has to be ready first.
      this.#socket.pause();
      this.#socket.off("data", this.#take);
      for (const event of ends) this.#socket.off(event, this.#lose);
      this.#settled({ socket: this.#socket, ...answer }, null);
    } catch (error) {
      this.fail(error);
    }
  };

  /** A refusal that breaks off in its body is one all the same. */
  #lose = (cause?: unknown): void => {
    if (this.#isOver) return;
    this.#putAway();
    const cut = new WireError("HTTP1_CLOSED", "the connection ended without an answer");
    this.#end(this.#reader.end(!(cause instanceof Error)), cause instanceof Error ? cause : cut);
  };

  #putAway(): void {
    this.#isOver = true;
    this.#countdown.close();
  }

  /** The listeners stay: an error that nobody listens to would end the process. */
  #end(refusal: Refusal | null, error: unknown): void {
    this.#socket.destroy();
    this.#settled(refusal, error);
  }
}

const ends = ["end", "error", "close"] as const;
