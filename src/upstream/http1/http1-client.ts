import type { Socket } from "node:net";
import { SessionProxyError } from "../../errors.ts";
import { Countdown } from "../../kernel/countdown.ts";
import type { UpstreamListener, UpstreamRequest } from "../listener.ts";
import type { ClientOptions, ConnectionWatch, MakeClient, UpstreamClient } from "../upstream-client.ts";
import { toUpstreamError } from "../upstream-error.ts";
import { Exchange } from "./exchange.ts";
import { type OpenSocket, socketOpener } from "./open-socket.ts";
import { writeHead } from "./request-head.ts";

/** How often TCP asks whether the tenant is still there. Milliseconds; undici's figure. */
const probeEvery = 60_000;

/** Clients of our own: strict, and with nothing between the bytes and the listener. */
export function http1Clients(options: ClientOptions): MakeClient {
  const { host } = new URL(options.origin);
  const open = socketOpener(options.origin, options.trust, {
    connect: options.timeouts.connect,
    probe: probeEvery,
  });
  return (watch) => new Http1Client({ ...options, host, open, watch });
}

interface Http1Options extends ClientOptions {
  readonly host: string;
  readonly open: OpenSocket;
  readonly watch: ConnectionWatch;
}

/** One connection to the tenant, or none yet; opened again where it was closed while nobody used it. */
class Http1Client implements UpstreamClient {
  readonly #options: Http1Options;
  #socket: Socket | null = null;
  /** Gives up the attempt to connect. */
  #giveUp: (() => void) | null = null;
  #exchange: Exchange | null = null;
  /** For an exchange, and for the rest between two. */
  readonly #countdown = new Countdown();
  /** Whether an answer has ended in this turn. */
  #hasJustEnded = false;
  destroyed = false;

  constructor(options: Http1Options) {
    this.#options = options;
  }

  dispatch(request: UpstreamRequest, listener: UpstreamListener, over: () => void): void {
    const exchange = this.#exchangeOf(request, listener, over);
    if (exchange === null) return;
    this.#exchange = exchange;
    this.#stopIdling();
    listener.started(() => exchange.abort());
    if (exchange.isOver) return;
    if (this.#socket === null) this.#connect(exchange);
    else this.#whenRead(() => this.#beginOn(exchange));
  }

  destroy(): Promise<void> {
    this.destroyed = true;
    const socket = this.#socket;
    this.#exchange?.abort();
    this.#drop();
    if (socket === null || socket.closed) return Promise.resolve();
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** Null where the request cannot be sent, which the listener has been told. */
  #exchangeOf(request: UpstreamRequest, listener: UpstreamListener, over: () => void): Exchange | null {
    try {
      if (this.destroyed) throw new SessionProxyError("QSP-UPSTREAM", { reason: "the connection is ended" });
      const head = writeHead(this.#options.host, request);
      const parts = { request, head, listener, countdown: this.#countdown, ended: this.#ended, over };
      return new Exchange(this.#options, parts);
    } catch (error) {
      this.#drop();
      listener.failed(toUpstreamError(error));
      over();
      return null;
    }
  }

  /** The exchange is over; the connection may be kept for another one for so many milliseconds. */
  #ended = (keep: number): void => {
    this.#exchange = null;
    if (keep > 0 && this.#socket !== null) this.#keep(this.#socket, keep);
    else this.#drop();
  };

  /**
   * What the tenant did to an idle connection is in the kernel's buffers, and is read before `begin` runs: bytes that nobody
   * asked for, or its end. Written at once, the request would be answered by them. Behind an answer of this very turn a
   * whole further turn is waited for: node does not look for more in the one that it has read the answer in.
   */
  #whenRead(begin: () => void): void {
    setImmediate(this.#hasJustEnded ? () => setImmediate(begin) : begin);
  }

  #connect(exchange: Exchange): void {
    this.#giveUp = this.#options.open({
      opened: (socket) => {
        this.#giveUp = null;
        this.#use(socket);
        this.#options.watch.opened();
        exchange.begin(socket);
      },
      failed: (error) => {
        this.#giveUp = null;
        exchange.failed(error);
      },
    });
  }

  #beginOn(exchange: Exchange): void {
    if (exchange.isOver) return;
    if (this.#socket === null) this.#connect(exchange);
    else exchange.begin(this.#socket);
  }

  #use(socket: Socket): void {
    this.#socket = socket;
    let error: Error | null = null;
    socket.on("data", (bytes: Buffer) => {
      if (this.#socket !== socket) return;
      // Nobody has asked anything yet: attacks M7, rules R12.
      if (this.#exchange?.hasBegun) this.#exchange.take(bytes);
      else this.#drop();
    });
    socket.on("end", () => {
      if (this.#socket !== socket) return;
      if (this.#exchange?.hasBegun) this.#exchange.end();
      else this.#drop();
    });
    socket.on("error", (raised: Error) => {
      error = raised;
      // It is closed some turns later only; a request that begins meanwhile must not be written to it.
      if (this.#socket === socket && !this.#exchange?.hasBegun) this.#drop();
    });
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      if (this.#exchange?.hasBegun) this.#exchange.lose(error);
      else this.#drop();
    });
  }

  /** Waits for another request; the process need not live on for it. */
  #keep(socket: Socket, keep: number): void {
    this.#hasJustEnded = true;
    setImmediate(() => {
      this.#hasJustEnded = false;
    });
    socket.unref();
    this.#countdown.start(keep, this.#drop);
  }

  #stopIdling(): void {
    this.#countdown.stop();
    this.#socket?.ref();
  }

  /** Ends the connection, or the attempt to make one. */
  #drop = (): void => {
    this.#countdown.close();
    this.#giveUp?.();
    this.#giveUp = null;
    this.#socket?.destroy();
    this.#socket = null;
    this.#options.watch.gone();
  };
}
