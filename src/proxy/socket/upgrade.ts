import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { SessionProxyError } from "../../errors.ts";
import { firstHeader, headerValues, isHeaderValue, type RawHeaders } from "../../http/raw-headers.ts";
import type { Target } from "../../http/target.ts";
import type { ProxySession } from "../../session/proxy-session.ts";
import type { SessionManager } from "../../session/session-manager.ts";
import { cookieFor, type TenantSession } from "../../session/tenant-session.ts";
import { csrfHeader } from "../../tenant/csrf.ts";
import { checkHandshakeResponse } from "../../ws/handshake.ts";
import type { ClientAddress } from "../client-address.ts";
import { prepareHandshake, withSocketCredentials } from "./rewrite-handshake.ts";
import { type ExchangeSpan, withTrace } from "../tracing.ts";
import type { Upstream } from "../../upstream/upstream.ts";
import type { Caller, UpgradeAnswer } from "../../upstream/send-handshake.ts";

/** What every upgrade of one proxy shares. */
export interface UpgradeContext {
  readonly upstream: Upstream;
  readonly sessions: SessionManager;
  readonly tenantOrigin: string;
  readonly identityHeaders: ReadonlySet<string>;
  readonly clientAddress: ClientAddress;
  readonly now: () => number;
}

/** One upgrade that was let in. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly target: Target;
  readonly session: ProxySession;
  readonly span: ExchangeSpan | null;
  /** The browser, which may leave before it is answered. */
  readonly caller: Caller;
}

/** The tenant's socket, or its refusal; and the generation that got it. */
export type UpgradeOutcome =
  | {
      readonly socket: Socket;
      readonly head: Buffer;
      readonly headers: RawHeaders;
      readonly generation: TenantSession;
      readonly release: () => void;
      /** Milliseconds from sending the handshake to its answer. */
      readonly upstreamMs: number;
    }
  | Refusal;

type Refusal = Extract<UpgradeAnswer, { status: number }>;

/**
 * The socket of a user who was never seen before may be refused until the tenant has spread the user's rights. It is
 * tried again after these waits, in milliseconds. facts §2.5, rules R5
 */
const firstLoginWaits = [300, 700, 1500] as const;

/** A first login counts as fresh for so long. Milliseconds. */
const freshness = 30_000;

/**
 * Opens the tenant's side of a socket, before the browser is told anything: a refusal must reach the browser as one.
 *
 * @throws SessionProxyError
 */
export async function openUpstreamSocket(
  context: UpgradeContext,
  upgrade: UpgradeRequest,
): Promise<UpgradeOutcome> {
  const { session } = upgrade;
  const spent: Spent = { authLoss: false, csrf: false, waits: 0 };
  let generation = session.current;
  for (;;) {
    const release = context.sessions.generations.hold(session, generation);
    let kept = false;
    try {
      const { answer, csrfToken, upstreamMs } = await sendHandshakeOn(context, upgrade, generation);
      if ("socket" in answer) {
        const sound = checked(answer, upgrade);
        kept = true;
        return { ...sound, generation, release, upstreamMs };
      }
      const next = await afterRefusal(context, upgrade, { answer, generation, csrfToken, spent });
      if (next === null) return withoutToken(answer, csrfToken, generation);
      generation = next;
    } finally {
      if (!kept) release();
    }
  }
}

/** What a handshake was sent again for. */
interface Spent {
  authLoss: boolean;
  csrf: boolean;
  waits: number;
}

/** A handshake that was refused. */
interface Refused {
  readonly answer: Refusal;
  readonly generation: TenantSession;
  readonly csrfToken: string;
  readonly spent: Spent;
}

/** The generation to ask once more with; null where the refusal stands. */
async function afterRefusal(
  context: UpgradeContext,
  { session, caller }: UpgradeRequest,
  { answer, generation, csrfToken, spent }: Refused,
): Promise<TenantSession | null> {
  const { generations, tenant } = context.sessions;
  const { backend } = generation;
  if (backend.mayBeUpgradeLoss(answer) && !spent.authLoss) {
    const next = await generations.afterAuthLoss(session, generation);
    if (typeof next === "object") {
      spent.authLoss = next.isFresh;
      return next.generation;
    }
    // A 403 that is not about the session may be about the token.
    if (answer.status !== 403) return null;
    spent.authLoss = true;
  }
  if (answer.status !== 403) return null;
  if (backend.csrf !== null && !spent.csrf) {
    spent.csrf = true;
    await tenant.csrfToken(session.key, generation, csrfToken);
    return generation;
  }
  if (!isFresh(context, generation) || spent.waits >= firstLoginWaits.length) return null;
  await pause(firstLoginWaits[spent.waits] ?? 0, caller);
  spent.waits += 1;
  return generation;
}

/** A refusal that repeats the address it refuses would show the browser the token in it. attacks W16 */
const withoutToken = (refusal: Refusal, csrfToken: string, { accessToken }: TenantSession): Refusal =>
  mayHoldToken(refusal, [csrfToken, accessToken?.reveal() ?? ""])
    ? { ...refusal, body: Buffer.alloc(0) }
    : refusal;

/** What is packed, though nobody asked for it, is not searched; what names the parameter may spell its value in any way. */
function mayHoldToken({ headers, body }: Refusal, tokens: readonly string[]): boolean {
  const codings = headerValues(headers, "content-encoding").map((each) => each.trim().toLowerCase());
  if (codings.some((coding) => coding !== "identity")) return true;
  if (tokens.some((token) => token !== "" && body.includes(token))) return true;
  return body.toString("latin1").toLowerCase().includes(csrfHeader);
}

const isFresh = (context: UpgradeContext, generation: TenantSession): boolean =>
  generation.generation === 1 && context.now() < generation.createdAt + freshness;

async function sendHandshakeOn(
  context: UpgradeContext,
  { request, target, session, span, caller }: UpgradeRequest,
  generation: TenantSession,
): Promise<{ answer: UpgradeAnswer; csrfToken: string; upstreamMs: number }> {
  const csrfToken = await context.sessions.tenant.csrfToken(session.key, generation);
  if (session.ended) throw new SessionProxyError("QSP-UNAUTHENTICATED");
  const prepared = prepareHandshake(
    { headers: request.rawHeaders, target },
    {
      backend: generation.backend,
      identityHeaders: context.identityHeaders,
      clientAddress: context.clientAddress(request),
    },
  );
  const cookie = cookieFor(generation, prepared.path, context.now());
  const sent = withSocketCredentials(withTrace(prepared, span), {
    cookie,
    csrfToken,
    shown: generation.backend.headersOf(generation),
  });
  const sentAt = context.now();
  const answer = await context.upstream.connect(sent, caller);
  const upstreamMs = context.now() - sentAt;
  const status = "socket" in answer ? 101 : answer.status;
  const setCookies = headerValues(answer.headers, "set-cookie");
  const authLoss = !("socket" in answer) && generation.backend.isAuthLoss(answer);
  context.sessions.absorb(session, generation, { status, setCookies, authLoss });
  return { answer, csrfToken, upstreamMs };
}

/** A 101 that does not answer what was asked is a failed handshake. attacks W9 */
function checked(
  answer: Extract<UpgradeAnswer, { socket: unknown }>,
  { request }: UpgradeRequest,
): { socket: Socket; head: Buffer; headers: RawHeaders } {
  const raw = request.rawHeaders;
  const problem = checkHandshakeResponse(101, answer.headers, {
    key: firstHeader(raw, "sec-websocket-key") ?? "",
    protocols: headerValues(raw, "sec-websocket-protocol"),
    extensions: headerValues(raw, "sec-websocket-extensions"),
  });
  if (problem !== null) {
    answer.socket.destroy();
    throw new SessionProxyError("QSP-UPSTREAM", { reason: `the tenant's handshake: ${problem}` });
  }
  return { socket: answer.socket, head: answer.head, headers: answer.headers };
}

/** The head of our 101: the tenant's answer to the handshake and nothing else of its headers. */
export function switchingProtocols(headers: RawHeaders): string {
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  for (const name of ["sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions"]) {
    for (const value of headerValues(headers, name))
      if (isHeaderValue(value)) lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Passes a refusal on: the tenant's status and words, without anything that would act on our origin. attacks W8 */
export function relayedRefusal(refusal: Refusal): Buffer {
  const status = refusal.status >= 200 && refusal.status <= 599 ? refusal.status : 502;
  const lines = [`HTTP/1.1 ${status} Upgrade Refused`];
  for (const name of ["content-type", "retry-after"]) {
    const value = firstHeader(refusal.headers, name);
    if (value !== undefined && isHeaderValue(value)) lines.push(`${name}: ${value}`);
  }
  lines.push(
    `content-length: ${refusal.body.length}`,
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    "content-security-policy: sandbox; default-src 'none'",
    "connection: close",
  );
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), refusal.body]);
}

function pause(ms: number, caller: Caller): Promise<void> {
  return new Promise((resolve) => {
    if (caller.isGone) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      caller.onGone = null;
      resolve();
    };
    const timer = setTimeout(done, ms);
    caller.onGone = done;
  });
}
