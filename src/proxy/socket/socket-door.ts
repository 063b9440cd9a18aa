import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type ErrorCode, SessionProxyError } from "../../errors.ts";
import { errorAnswer, upgradeRefusal } from "../../http/own-answer.ts";
import type { Target } from "../../http/target.ts";
import { publish, type ProxyEvent } from "../../kernel/channels.ts";
import { shownKey, type ProxySession } from "../../session/proxy-session.ts";
import type { TenantSession } from "../../session/tenant-session.ts";
import type { Caller } from "../../upstream/send-handshake.ts";
import type { SocketHandshake } from "../admission.ts";
import { EarlyBytes } from "./early-bytes.ts";
import { endSoon } from "./end-socket.ts";
import type { LiveSocket, LiveSockets } from "./live-sockets.ts";
import type { LossMemory } from "./loss-memory.ts";
import { checkHandshake } from "./rewrite-handshake.ts";
import type { ExchangeSpan } from "../tracing.ts";
import { Splice, type SpliceOwner, type SpliceReport } from "./splice.ts";
import {
  openUpstreamSocket,
  relayedRefusal,
  switchingProtocols,
  type UpgradeContext,
  type UpgradeOutcome,
} from "./upgrade.ts";

/** What every socket of one proxy shares. */
export interface SocketDoorContext extends UpgradeContext {
  readonly live: LiveSockets;
  readonly losses: LossMemory;
  /** Open sockets, and handshakes under way: of one session, and of all. */
  readonly limits: { readonly socketsPerSession: number; readonly sockets: number };
  /** Whether tenants are told apart by who asks. */
  readonly isAssigning: boolean;
  readonly isDraining: () => boolean;
  /** What the rules of now say against a socket that was let in, in the code of a refusal; null for nothing. */
  readonly objection: (handshake: SocketHandshake) => ErrorCode | null;
}

/** One upgrade, and what it came on. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  /** For the log. */
  readonly traceId: string;
  /** When it came. */
  readonly startedAt: number;
  readonly span: ExchangeSpan | null;
}

/** Policy, site guard, identity and session, in this order. */
export type Admit = () => Promise<{
  /** Of the tenant whose session it is. */
  readonly context: SocketDoorContext;
  readonly target: Target;
  readonly handshake: SocketHandshake;
  readonly session: ProxySession;
}>;

/** Takes one upgrade from handshake to splice; it never rejects and never leaves a socket without owner. */
export async function openSocket(
  context: SocketDoorContext,
  { request, socket, head, traceId, startedAt, span }: Arrival,
  admit: Admit,
): Promise<void> {
  const early = new EarlyBytes(socket, head);
  let session: ProxySession | undefined;
  // Where tenants are told apart by who asks, nobody's until that is known.
  let tenant = context.isAssigning ? undefined : context.tenantOrigin;
  try {
    checkHandshake(request);
    if (context.isDraining()) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    const admitted = await unlessGone(early, admit());
    session = admitted.session;
    const socketEpoch = session.socketEpoch;
    const own = admitted.context;
    tenant = own.tenantOrigin;
    const place = reservePlace(own, session);
    try {
      const outcome = await openUpstreamSocket(own, { request, ...admitted, span, caller: early });
      if (!("socket" in outcome)) {
        tellRefusal(socket, { traceId, status: outcome.status, tenant: own.tenantOrigin }, session);
        socket.end(relayedRefusal(outcome));
        endSoon(socket);
        span?.end({ status: outcome.status });
        return;
      }
      const { handshake } = admitted;
      join({ context: own, socket, early, traceId, startedAt, session, socketEpoch, outcome, handshake });
      span?.end({ status: 101 });
    } finally {
      place();
    }
  } catch (error) {
    const known =
      error instanceof SessionProxyError ? error : new SessionProxyError("QSP-UPSTREAM", { cause: error });
    refuse(socket, known, { traceId, tenant, session });
    span?.end({ status: known.upgradeStatus, code: known.code });
  }
}

/** A browser that left waits for nothing; what the host still does about it ends unheard. */
function unlessGone<T>(caller: Caller, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new SessionProxyError("QSP-UPSTREAM", { reason: "client gone" }));
    if (caller.isGone) leave();
    caller.onGone = leave;
    work.then(resolve, reject);
  });
}

/** Handshakes under way count, or a burst would pass the limit. attacks W13 */
const underway = new WeakMap<ProxySession, number>();

function reservePlace(context: SocketDoorContext, session: ProxySession): () => void {
  const { live, limits } = context;
  const opening = underway.get(session) ?? 0;
  if (live.countOf(session.key) + opening >= limits.socketsPerSession) throw full("limits.socketsPerSession");
  if (live.count + live.opening >= limits.sockets) throw full("limits.sockets");
  underway.set(session, opening + 1);
  live.opening += 1;
  return () => {
    underway.set(session, (underway.get(session) ?? 1) - 1);
    live.opening -= 1;
  };
}

const full = (limit: string): SessionProxyError =>
  new SessionProxyError("QSP-BUSY", { retryAfter: 5, reason: `${limit} is reached` });

interface Joining {
  readonly context: SocketDoorContext;
  readonly socket: Socket;
  readonly early: EarlyBytes;
  readonly traceId: string;
  readonly startedAt: number;
  readonly session: ProxySession;
  /** Of the session when the upgrade was admitted. */
  readonly socketEpoch: number;
  readonly outcome: Extract<UpgradeOutcome, { socket: unknown }>;
  readonly handshake: SocketHandshake;
}

function join(joining: Joining): void {
  const { context, socket, early, traceId, session, socketEpoch, outcome, handshake } = joining;
  const isOutOfDate = session.socketEpoch !== socketEpoch;
  // The rules may have changed while the tenant was asked.
  const objection = context.objection(handshake);
  if (session.ended || socket.destroyed || isOutOfDate || objection || context.isDraining()) {
    outcome.socket.destroy();
    outcome.release();
    if (objection) throw new SessionProxyError(objection, { reason: "the configuration was reloaded" });
    if (session.ended) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
  }
  const { generation, head, headers, release, upstreamMs } = outcome;
  const opened = new OpenedSocket({ context, traceId, session, generation, handshake, release });
  const sent = early.take();
  const splice = new Splice({ downstream: socket, upstream: outcome.socket }, opened);
  opened.begin(splice, { ms: context.now() - joining.startedAt, upstreamMs });
  // One packet for the 101 and the first message, as the tenant sent them. product C6
  if (head.length > 0) socket.cork();
  socket.write(switchingProtocols(headers), "latin1");
  splice.start({ downstream: sent, upstream: head });
  if (head.length > 0) socket.uncork();
}

/** What a socket that was opened belongs to. It is kept as long as the socket, and neither handshake hangs on it. */
interface Belongings {
  readonly context: SocketDoorContext;
  readonly traceId: string;
  readonly session: ProxySession;
  readonly generation: TenantSession;
  readonly handshake: SocketHandshake;
  readonly release: () => void;
}

class OpenedSocket implements SpliceOwner, LiveSocket {
  readonly #of: Belongings;
  readonly #startedAt: number;
  #splice: Splice | null = null;

  constructor(belongings: Belongings) {
    this.#of = belongings;
    this.#startedAt = belongings.context.now();
  }

  get handshake(): SocketHandshake {
    return this.#of.handshake;
  }

  get bytesDown(): number {
    return this.#splice?.bytesDown ?? 0;
  }

  get bytesUp(): number {
    return this.#splice?.bytesUp ?? 0;
  }

  close(code: number, reason: string): void {
    this.#splice?.close(code, reason);
  }

  beat(): void {
    this.#splice?.beat();
  }

  /** `took`: the handshake, in milliseconds. */
  begin(splice: Splice, took: { readonly ms: number; readonly upstreamMs: number }): void {
    const { context, session, traceId } = this.#of;
    this.#splice = splice;
    context.live.add(session.key, this);
    context.sessions.touch(session);
    context.sessions.socketOpened(session);
    publish("socket", () => ({
      event: "socket.opened",
      level: "debug",
      traceId,
      session: shownKey(session),
      tenant: context.tenantOrigin,
      route: "engine",
      status: 101,
      ...took,
    }));
  }

  codeForLoss(): 4003 | 4206 {
    const { context, handshake, session } = this.#of;
    return context.losses.codeFor(session.key, handshake.path, this.#startedAt);
  }

  used(): void {
    this.#of.context.sessions.touch(this.#of.session);
  }

  closed({ code, reason, bytesDown, bytesUp, refused }: SpliceReport): void {
    const { context, generation, release, session, traceId } = this.#of;
    context.live.remove(session.key, this);
    release();
    // "No permission" before any message may mean that the session is lost; the client's next try should succeed.
    if (refused) context.sessions.suspect(session, generation);
    publish("socket", () => ({
      event: "socket.closed",
      traceId,
      session: shownKey(session),
      subjectHash: session.subjectHash,
      tenant: context.tenantOrigin,
      route: "engine",
      ...(code === 0 ? {} : { code }),
      reason: code === 0 ? "peers" : codeIn(reason),
      bytes: bytesDown,
      bytesUp,
      ms: context.now() - this.#startedAt,
    }));
  }
}

/** The code in the reason that a browser was told. product B7 */
const codeIn = (reason: string): string => (JSON.parse(reason) as { readonly code: string }).code;

/** Ends a connection whose handshake did not wait for the answer before it; nothing can be said on it. */
export function abandon(socket: Socket, { traceId, tenant }: Refused): void {
  publish("socket", () => ({
    event: "socket.refused",
    level: "info",
    traceId,
    tenant,
    route: "engine",
    reason: "a handshake behind an answer that was not through",
  }));
  socket.destroy();
}

/** Whose upgrade is refused, as far as that is known. */
export interface Refused {
  readonly traceId: string;
  /** Origin of the tenant. */
  readonly tenant?: string | undefined;
  readonly session?: ProxySession | undefined;
}

/** Refuses an upgrade in plain HTTP, and closes. */
export function refuse(
  socket: Socket,
  error: SessionProxyError,
  { traceId, tenant, session }: Refused,
): void {
  const { code, fault, reason, upgradeStatus } = error;
  const level = fault === "client" || socket.destroyed ? "info" : "warn";
  tellRefusal(socket, { level, traceId, tenant, status: upgradeStatus, code, reason }, session);
  if (socket.destroyed) return;
  socket.on("error", () => {});
  const answer = errorAnswer(error, { navigation: false, traceId, upgrade: true });
  // What a client of another version may ask for instead. RFC 6455 §4.4
  if (answer.status === 426) answer.headers.push("Sec-WebSocket-Version", "13");
  socket.write(upgradeRefusal(answer), "latin1");
  endSoon(socket);
}

function tellRefusal(
  socket: Socket,
  what: Pick<ProxyEvent, "level" | "traceId" | "tenant" | "status" | "code" | "reason">,
  session: ProxySession | undefined,
): void {
  const isGone = socket.destroyed;
  publish("socket", () => ({
    event: "socket.refused",
    route: "engine",
    ...what,
    ...(isGone ? { status: 499 } : {}),
    ...(session === undefined ? {} : { session: shownKey(session), subjectHash: session.subjectHash }),
  }));
}
