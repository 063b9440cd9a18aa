import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { SessionProxyError } from "../../errors.ts";
import { followAnswers } from "../../http/answers-under-way.ts";
import { traceId } from "../../kernel/random.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import type { ProxySession } from "../../session/proxy-session.ts";
import type { Assign } from "../door-contexts.ts";
import { unclaimed, type Admission, type Place, type TenantPlace } from "../admission.ts";
import { toInternalError } from "../internal-error.ts";
import type { Middleware } from "../session-proxy.ts";
import {
  abandon,
  type Admit,
  type Arrival,
  openSocket,
  refuse,
  type Refused,
  type SocketDoorContext,
} from "./socket-door.ts";
import type { Tracing } from "../tracing.ts";
import { isLeftToLast, markUpgradeListener } from "./upgrade-listener.ts";
import { inTurn } from "./upgrade-turn.ts";

/** What every upgrade of one proxy shares. */
export interface UpgradeDoorContext extends SocketDoorContext {
  readonly options: ResolvedOptions;
  readonly admission: Admission;
  readonly tracing: Tracing;
  readonly assign: Assign | undefined;
  /** One more exchange; the returned function ends it. */
  readonly enter: () => () => void;
  /** Runs the host's middlewares, for so long as they may take. @throws SessionProxyError */
  readonly runHost: (before: readonly Middleware[], request: IncomingMessage) => Promise<void>;
  /** The session of whoever the host says this is; `at` is when the handshake came. @throws SessionProxyError */
  readonly signIn: (request: IncomingMessage, at: number) => ProxySession | Promise<ProxySession>;
}

/** A listener of a server's "upgrade" event. */
export type UpgradeListener = (request: IncomingMessage, stream: unknown, head: Buffer) => void;

/** Decides which upgrades of a server are ours, and takes those in their turn. */
export class UpgradeDoor {
  #context: UpgradeDoorContext;

  constructor(context: UpgradeDoorContext) {
    this.#context = context;
  }

  /** From now on upgrades are taken by these rules; those that were taken go on by theirs. */
  use(context: UpgradeDoorContext): void {
    this.#context = context;
  }

  /** A listener for a server; `before` are host middlewares that run on each upgrade that is taken. */
  listenerFor(
    server: Server,
    before: readonly Middleware[],
    /** What the server knows, where that is another listener which calls this one. */
    registered?: () => object,
  ): UpgradeListener {
    followAnswers();
    const listener: UpgradeListener = (request, stream, head) => {
      const startedAt = this.#context.now();
      const upgrade: Arrival & Refused = {
        request,
        socket: stream as Socket,
        head,
        traceId: traceId(),
        startedAt,
        span: null,
        tenant: this.#context.isAssigning ? undefined : this.#context.tenantOrigin,
      };
      const place = this.#placeOf(request, () => isLeftToLast(server, registered?.() ?? listener, request));
      if (place === null) return;
      const goOn = (): void => {
        if (place instanceof SessionProxyError) refuse(upgrade.socket, place, upgrade);
        else this.#take(upgrade, place, before);
      };
      inTurn(upgrade.socket, goOn, () => abandon(upgrade.socket, upgrade));
    };
    return markUpgradeListener(listener, (request) => this.takes(request));
  }

  /** Where it goes, or why it is refused; null where it is left to other listeners. */
  #placeOf(request: IncomingMessage, isOursToRefuse: () => boolean): TenantPlace | SessionProxyError | null {
    const { admission, options } = this.#context;
    let place: Place;
    try {
      place = admission.locate(request, true);
    } catch (error) {
      return toInternalError(error);
    }
    if (place.kind === "tenant") return place;
    if (!isOursToRefuse()) return null;
    return unclaimed(request, options, place.kind === "elsewhere" ? place.verdict : undefined);
  }

  /** Whether an upgrade is ours, also to be refused. */
  takes(request: IncomingMessage): boolean {
    try {
      return this.#context.admission.locate(request, true).kind === "tenant";
    } catch {
      // Below our prefix and refused: ours to answer.
      return true;
    }
  }

  #take(upgrade: Arrival, place: TenantPlace, before: readonly Middleware[]): void {
    const context = this.#context;
    const { admission, assign, enter, now, runHost, tracing } = context;
    let isOver = false;
    const ends = [enter()];
    const { request, socket } = upgrade;
    const at = now();
    const admit: Admit = async () => {
      admission.guard(request, place, true);
      if (before.length > 0) await runHost(before, request);
      const assigned = await assign?.(request, false);
      // The browser may have left meanwhile.
      if (assigned && !isOver) ends.push(assigned.enter());
      if (assigned) span?.sentTo(assigned.doors.upgrades.tenantOrigin);
      const own = assigned?.doors.upgrades ?? context;
      const session = await own.signIn(request, at);
      return {
        context: own,
        target: place.target,
        handshake: admission.handshakeOf(request, place),
        session,
      };
    };
    const leave = (): void => {
      isOver = true;
      for (const end of ends) end();
    };
    // The context is not copied for one upgrade: what is kept with its socket would keep the request too.
    const span = tracing.begin(request, "engine", upgrade.startedAt);
    const open = (): Promise<void> =>
      openSocket(context, span ? { ...upgrade, traceId: span.traceId, span } : upgrade, admit);
    (span ? span.run(open) : open()).finally(leave).catch(() => socket.destroy());
  }
}
