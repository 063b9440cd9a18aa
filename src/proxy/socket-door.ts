import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { SessionProxyError } from "../errors.ts";
import { errorAnswer, upgradeRefusal } from "../http/own-answer.ts";
import { publish } from "../kernel/channels.ts";
import { shownKey, type ProxySession } from "../session/proxy-session.ts";
import { EarlyBytes } from "./early-bytes.ts";
import { endSoon } from "./end-socket.ts";
import type { LiveSockets } from "./live-sockets.ts";
import type { LossMemory } from "./loss-memory.ts";
import { checkHandshake } from "./rewrite-handshake.ts";
import { Splice } from "./splice.ts";
import {
  openUpstreamSocket,
  relayedRefusal,
  switchingProtocols,
  type UpgradeContext,
  type UpgradeOutcome,
} from "./upgrade.ts";
import type { Target } from "../http/target.ts";

/** What every socket of one proxy shares. */
export interface SocketDoorContext extends UpgradeContext {
  readonly live: LiveSockets;
  readonly losses: LossMemory;
  readonly socketsPerSession: number;
  /** Milliseconds. */
  readonly socketIdle: number;
  readonly isDraining: () => boolean;
  /** Policy, site guard, identity and session, in this order. */
  readonly admit: (
    request: IncomingMessage,
  ) => Promise<{ readonly target: Target; readonly session: ProxySession }>;
}

/** Takes one upgrade from handshake to splice; it never rejects and never leaves a socket without owner. */
export async function openSocket(
  context: SocketDoorContext,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  traceId: string,
): Promise<void> {
  const gone = new AbortController();
  const early = new EarlyBytes(socket, head, () => gone.abort());
  let session: ProxySession | undefined;
  try {
    checkHandshake(request);
    if (context.isDraining()) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    const admitted = await unlessGone(gone.signal, context.admit(request));
    session = admitted.session;
    const socketEpoch = session.socketEpoch;
    const place = reservePlace(context, session);
    try {
      const outcome = await openUpstreamSocket(context, { request, ...admitted, signal: gone.signal });
      if (!("socket" in outcome)) {
        socket.end(relayedRefusal(outcome));
        endSoon(socket);
        return;
      }
      join({ context, socket, early, traceId, session, socketEpoch, outcome, path: admitted.target.path });
    } finally {
      place();
    }
  } catch (error) {
    const known =
      error instanceof SessionProxyError ? error : new SessionProxyError("QSP-UPSTREAM", { cause: error });
    refuse(socket, known, traceId, session);
  }
}

/** A browser that left waits for nothing; what the host still does about it ends unheard. */
function unlessGone<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new SessionProxyError("QSP-UPSTREAM", { reason: "client gone" }));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject);
  });
}

/** Handshakes under way count, or a burst would pass the limit. attacks W13 */
const underway = new WeakMap<ProxySession, number>();

function reservePlace(context: SocketDoorContext, session: ProxySession): () => void {
  const opening = underway.get(session) ?? 0;
  if (context.live.countOf(session.key) + opening >= context.socketsPerSession) {
    throw new SessionProxyError("QSP-BUSY", { retryAfter: 5, reason: "limits.socketsPerSession is reached" });
  }
  underway.set(session, opening + 1);
  return () => {
    underway.set(session, (underway.get(session) ?? 1) - 1);
  };
}

interface Joining {
  readonly context: SocketDoorContext;
  readonly socket: Socket;
  readonly early: EarlyBytes;
  readonly traceId: string;
  readonly session: ProxySession;
  /** Of the session when the upgrade was admitted. */
  readonly socketEpoch: number;
  readonly outcome: Extract<UpgradeOutcome, { socket: unknown }>;
  readonly path: string;
}

function join({ context, socket, early, traceId, session, socketEpoch, outcome, path }: Joining): void {
  const { sessions, live, losses } = context;
  const isOutOfDate = session.socketEpoch !== socketEpoch;
  if (session.ended || socket.destroyed || isOutOfDate || context.isDraining()) {
    outcome.socket.destroy();
    outcome.release();
    if (session.ended) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
  }
  const startedAt = context.now();
  const sent = early.take();
  const splice = new Splice({
    downstream: socket,
    upstream: outcome.socket,
    idle: context.socketIdle,
    codeForLoss: () => losses.codeFor(session.key, path, startedAt),
    onUse: () => sessions.touch(session),
    onClosed(report) {
      leaveLive();
      outcome.release();
      // "No permission" before any message may mean that the session is lost; the client's next try should succeed.
      if (report.refused) sessions.suspect(session, outcome.generation);
      publish("socket", () => ({
        event: "socket.closed",
        traceId,
        session: shownKey(session),
        subjectHash: session.subjectHash,
        tenant: context.tenantOrigin,
        route: "engine",
        ...(report.code === 0 ? {} : { code: report.code }),
        bytes: report.bytesDown,
        ms: context.now() - startedAt,
      }));
    },
  });
  const leaveLive = live.add(session.key, splice);
  sessions.touch(session);
  sessions.socketOpened(session);
  publish("socket", () => ({
    event: "socket.opened",
    level: "debug",
    traceId,
    session: shownKey(session),
    route: "engine",
    status: 101,
  }));
  // One packet for the 101 and the first message, as the tenant sent them. product C6
  socket.cork();
  socket.write(switchingProtocols(outcome.headers), "latin1");
  splice.start({ downstream: sent, upstream: outcome.head });
  socket.uncork();
}

/** Ends a connection whose handshake did not wait for the answer before it; nothing can be said on it. */
export function abandon(socket: Socket, traceId: string): void {
  publish("socket", () => ({
    event: "socket.refused",
    level: "info",
    traceId,
    route: "engine",
    reason: "a handshake behind an answer that was not through",
  }));
  socket.destroy();
}

/** Refuses an upgrade in plain HTTP, and closes. */
export function refuse(
  socket: Socket,
  error: SessionProxyError,
  traceId: string,
  session?: ProxySession,
): void {
  publish("socket", () => ({
    event: "socket.refused",
    level: error.fault === "client" ? "info" : "warn",
    traceId,
    route: "engine",
    status: error.upgradeStatus,
    code: error.code,
    ...(session === undefined ? {} : { session: shownKey(session) }),
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  }));
  if (socket.destroyed) return;
  socket.on("error", () => {});
  const answer = errorAnswer(error, { navigation: false, traceId, upgrade: true });
  // What a client of another version may ask for instead. RFC 6455 §4.4
  if (answer.status === 426) answer.headers.push("Sec-WebSocket-Version", "13");
  socket.write(upgradeRefusal(answer), "latin1");
  endSoon(socket);
}
