import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  closeFrameReason,
  notFoundAnswer,
  statusAnswer,
  throttledAnswer,
  unauthorizedAnswer,
  type Answer,
} from "./answer.ts";
import type { Connections } from "./connections.ts";
import { judgeOrigin } from "./origin-rules.ts";
import type { OpenRecording } from "./recordings.ts";
import type { Fault } from "./script.ts";
import { parseRequestTarget, scriptedAnswer, standingCookies } from "./serve-request.ts";
import type { UserSession } from "./sessions.ts";
import type { Tenant } from "./local-tenant.ts";

/** Forms of engine paths: facts §5.1. */
const enginePath = /^\/app\/([^/]+)(?:\/identity\/([^/]+))?(?:\/ttl\/(\d+))?$/;

/** The event socket of facts §5.6. */
const EVENTS_PATH = "/api/v1/events";

/** No permission to open the app: facts §5.5. */
const NO_PERMISSION = 4203;

interface UpgradeRequest {
  readonly tenant: Tenant;
  readonly connections: Connections;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly recording: OpenRecording;
  readonly session: UserSession | undefined;
  /** Why it is nobody's, whatever it asks for. */
  readonly refused: Answer | undefined;
  readonly path: string;
  readonly query: URLSearchParams;
}

function decode(segment: string | undefined): string {
  try {
    return decodeURIComponent(segment ?? "");
  } catch {
    return segment ?? "";
  }
}

/** Refuses an upgrade with a whole HTTP answer. */
function refuse(upgrade: UpgradeRequest, answer: Answer): void {
  const { tenant, socket, recording, session } = upgrade;
  const body = Buffer.from(typeof answer.body === "string" ? answer.body : "");
  const lines = [
    ["Date", new Date(tenant.clock.now()).toUTCString()],
    ...(answer.headers ?? []),
    ...standingCookies(tenant, session),
    ["Content-Length", String(body.length)],
    ["Connection", "close"],
  ].map(([name, value]) => `${name}: ${value}\r\n`);
  recording.setStatus(answer.status);
  const head = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}\r\n${lines.join("")}\r\n`;
  socket.end(Buffer.concat([Buffer.from(head, "latin1"), body]));
}

function acceptAndClose(upgrade: UpgradeRequest, code: number, reason: string): void {
  upgrade.recording.setStatus(101);
  upgrade.tenant.events.refuse({ ...upgrade, responseHeaders: responseHeaders(upgrade) }, code, reason);
}

function responseHeaders(upgrade: UpgradeRequest): readonly string[] {
  return standingCookies(upgrade.tenant, upgrade.session).map(([name, value]) => `${name}: ${value}`);
}

/** Refuses what may not pass; order: path, Origin, session, CSRF (facts §3, §4, §13). */
function refusal(upgrade: UpgradeRequest): Answer | undefined {
  const { tenant, request, query, path, refused } = upgrade;
  if (path !== EVENTS_PATH && !enginePath.test(path)) return notFoundAnswer();
  if (request.headers.upgrade?.toLowerCase() !== "websocket") return statusAnswer(400, "Bad request");
  const isCloud = tenant.access.kind !== "qlik-sense-jwt";
  if (isCloud && judgeOrigin(tenant, request, query).kind === "foreign")
    return statusAnswer(403, "Forbidden", "Origin has not been granted access");
  return refused ?? tenant.access.refuseUpgrade(upgrade);
}

/** A ping without a payload. @see RFC 6455 §5.5.2 */
const ping = Buffer.from([0x89, 0]);

/** Cuts a socket without traffic, and pings it, where the modes say so. */
function keepTime({ modes }: Tenant, socket: Duplex): void {
  const { socketIdleCut, socketPing } = modes;
  if (socketIdleCut !== "never") (socket as Socket).setTimeout(socketIdleCut, () => socket.destroy());
  if (socketPing === "never") return;
  const pinging = setInterval(() => socket.write(ping), socketPing).unref();
  socket.once("close", () => clearInterval(pinging));
}

function connect(upgrade: UpgradeRequest, session: UserSession): void {
  const { tenant, request, socket, head, recording, path } = upgrade;
  const onClientFrame = (): void => {
    if (tenant.modes.socketFramesCountAsActivity) tenant.sessions.touch(session);
  };
  recording.setStatus(101);
  const common = { request, socket, head, responseHeaders: responseHeaders(upgrade), onClientFrame };
  if (path === EVENTS_PATH) {
    tenant.events.connect({ ...common, session });
    return;
  }
  const [, appId = "", identity, ttl] = enginePath.exec(path) ?? [];
  const { id, subject, name, groups } = session.user;
  tenant.engine.connect({
    ...common,
    appId: decode(appId),
    identity: decode(identity),
    ttl: Number(ttl ?? 0),
    user: { id, subject, name, groups },
    tenantSessionId: session.id,
    ...(tenant.access.socketGreeting === undefined
      ? {}
      : { afterFirstFrame: tenant.access.socketGreeting(session) }),
  });
}

/** Applies a fault; returns whether the upgrade is thereby over. */
function strike(upgrade: UpgradeRequest, fault: Fault): boolean {
  switch (fault.kind) {
    case "status":
      refuse(upgrade, statusAnswer(fault.status, "Injected fault"));
      return true;
    case "throttle":
      refuse(upgrade, throttledAnswer(fault.retryAfter));
      return true;
    case "garbage":
      upgrade.socket.end(fault.bytes ?? "\u0016\u0003\u0001 not http at all\r\n\r\n");
      return true;
    case "close":
      acceptAndClose(upgrade, fault.code, fault.reason ?? closeFrameReason("INJECTED"));
      return true;
    case "mute":
      upgrade.recording.setStatus(101);
      upgrade.tenant.events.hold({ ...upgrade, responseHeaders: responseHeaders(upgrade) });
      return true;
    case "reset":
      if (fault.stage === "request") {
        upgrade.connections.reset(upgrade.socket);
        return true;
      }
      // Any later stage of an upgrade is after the 101.
      setTimeout(() => upgrade.connections.reset(upgrade.socket), 20).unref();
      return false;
    case "cut":
      setTimeout(() => upgrade.socket.end(), 20).unref();
      return false;
    case "silence":
      return true;
    case "delay":
      return false;
  }
}

async function admit(upgrade: UpgradeRequest): Promise<void> {
  const { tenant, request, session } = upgrade;
  const features = { method: "UPGRADE", path: upgrade.path, subject: session?.subject };
  for (const fault of tenant.script.takeFaults(features)) {
    if (fault.kind === "delay") await sleep(fault.ms, undefined, { ref: false });
    else if (strike(upgrade, fault)) return;
  }
  if (upgrade.socket.destroyed) return;
  const behaviour = tenant.script.takeBehaviour(features);
  if (behaviour !== undefined) {
    refuse(upgrade, scriptedAnswer(behaviour));
    return;
  }
  const refused = refusal(upgrade);
  if (refused?.status === 401 && tenant.modes.socketWithoutSession === "closeAfter101") {
    acceptAndClose(upgrade, NO_PERMISSION, closeFrameReason("HTTP-401"));
  } else if (refused !== undefined || session === undefined) {
    refuse(upgrade, refused ?? unauthorizedAnswer());
  } else if (tenant.clock.now() < session.user.createdAt + tenant.modes.propagationLag) {
    // Access control lags behind a first login: facts §2.5.
    acceptAndClose(upgrade, NO_PERMISSION, closeFrameReason(`QEP-${NO_PERMISSION}`));
  } else if (request.method === "GET") {
    connect(upgrade, session);
    // Last, because whoever takes a socket over resets its time.
    keepTime(tenant, upgrade.socket);
  } else {
    refuse(upgrade, statusAnswer(405, "Method not allowed"));
  }
}

/** Creates the listener for upgrades. */
export function createUpgradeListener(
  tenant: Tenant,
  connections: Connections,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const recording = tenant.recordings.begin(request, true);
    const { path: whole, query } = parseRequestTarget(request.url ?? "/");
    const path = tenant.access.locate(whole) ?? "";
    recording.setPath(path);
    const { session, refused } = tenant.access.find(request);
    recording.setSession(session);
    if (session !== undefined) tenant.sessions.touch(session);
    const upgrade = { tenant, connections, request, socket, head, recording, session, refused, path, query };
    admit(upgrade).catch(() => socket.destroy());
  };
}
