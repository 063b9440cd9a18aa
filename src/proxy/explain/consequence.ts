import type { ErrorCode, SessionProxyError } from "../../errors.ts";
import { headerPairs, type RawHeaders } from "../../http/raw-headers.ts";
import { needsIdentity } from "../../policy/rule.ts";
import type { TenantPlace } from "../admission.ts";
import { asksForCsrfToken } from "../own/csrf-token.ts";
import { answerRules } from "../http/answer-rules.ts";
import type { RequestHead } from "../request-head.ts";
import { prepareHandshake, withSocketCredentials } from "../socket/rewrite-handshake.ts";
import {
  checkPrepared,
  needsCsrfToken,
  prepareRequest,
  withCredentials,
  type PreparedRequest,
} from "../http/rewrite-request.ts";
import { errorOf, type Decision, type Door } from "./decide.ts";
import { sampleAnswers, type SampleAnswers } from "./sample-answers.ts";

/** What follows from how far a request comes. */
export interface Consequence {
  readonly outcome: "forwarded" | "answered" | "refused";
  /** The error that it is answered with; nothing is sent. */
  readonly refusal?: { readonly code: ErrorCode; readonly status: number; readonly reason?: string };
  /** What the tenant would get; null where it gets nothing. */
  readonly sent: SentRequest | null;
  /** What becomes of the tenant's answers; null where there are none, and for sockets, whose bytes pass as they are. */
  readonly answers: SampleAnswers | null;
}

/** What the tenant would get, with a mask for the session's cookies and token. */
export interface SentRequest {
  /** The tenant's. */
  readonly origin: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names and values in turn; how a body is framed is decided by the connection. */
  readonly headers: RawHeaders;
  /** Names of headers that stay here, in their order. */
  readonly dropped: readonly string[];
  /** Names of headers that travel with another value. */
  readonly changed: readonly string[];
}

/** Stands for cookies and token; nothing of it has to be escaped in a query. */
const mask = "***";

/** Stands for the session that entity tags are bound to; nobody has it. rules R6 */
const nobodysSession = "explain";

/** Makes what would be sent, by the rewrites that requests go through. */
export function consequenceOf(door: Door, request: RequestHead, decision: Decision): Consequence {
  const { place, passage, error, upgrade } = decision;
  if (error !== undefined) return refused(error, upgrade);
  if (place.kind !== "tenant" || passage?.outcome === "preflight") return answered;
  if (asksForCsrfToken(upgrade ? "UPGRADE" : (request.method ?? "GET"), place.target.path)) return answered;
  return upgrade ? ofUpgrade(door, request, place) : ofRequest(door, request, place);
}

function ofUpgrade(door: Door, request: RequestHead, { target }: TenantPlace): Consequence {
  const prepared = prepareHandshake({ headers: request.rawHeaders, target }, senderRules(door, request));
  const { path, headers } = withSocketCredentials(prepared, { cookie: mask, csrfToken: mask });
  const sent = sentAs(door, request, { method: "GET", target: path, headers, kept: prepared.headers });
  return { outcome: "forwarded", sent, answers: null };
}

function ofRequest(door: Door, request: RequestHead, { target, routeClass }: TenantPlace): Consequence {
  const isPersonal = needsIdentity(routeClass);
  const tagSuffix = isPersonal ? door.site.tagSuffix(door.site.baseFor(request), nobodysSession) : null;
  const prepared = prepareRequest(
    { method: request.method ?? "GET", headers: request.rawHeaders, target },
    { ...senderRules(door, request), tagSuffix },
  );
  const unfit = errorOf(() => checkPrepared(prepared, routeClass, door.options.limits));
  if (unfit !== undefined) return refused(unfit, false);
  if (prepared.conditionFails) return answered;
  const headers = credentialed(prepared, isPersonal);
  return {
    outcome: "forwarded",
    sent: sentAs(door, request, { ...prepared, headers, kept: prepared.headers }),
    answers: sampleAnswers(answerRules(door, { request, prepared, routeClass, tagSuffix })),
  };
}

/** What the rewrites ask about whoever sends a request. */
const senderRules = ({ options, clientAddress }: Door, request: RequestHead) => ({
  identityHeaders: options.identityHeaders,
  clientAddress: clientAddress(request),
});

const answered: Consequence = { outcome: "answered", sent: null, answers: null };

function refused({ code, status, upgradeStatus, reason }: SessionProxyError, upgrade: boolean): Consequence {
  const refusal = {
    code,
    status: upgrade ? upgradeStatus : status,
    ...(reason === undefined ? {} : { reason }),
  };
  return { outcome: "refused", refusal, sent: null, answers: null };
}

function credentialed({ method, headers }: PreparedRequest, isPersonal: boolean): readonly string[] {
  if (!isPersonal) return headers;
  return withCredentials(headers, { cookie: mask, csrfToken: needsCsrfToken(method) ? mask : null });
}

interface Sending {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  /** Before the credentials are added. */
  readonly kept: RawHeaders;
}

function sentAs(
  { options }: Door,
  request: RequestHead,
  { method, target, headers, kept }: Sending,
): SentRequest {
  const { origin } = options.tenant;
  return {
    origin,
    method,
    target,
    headers: ["host", new URL(origin).host, ...headers],
    ...differences(request.rawHeaders, kept),
  };
}

/** Compares what came with what is left of it. */
function differences(came: RawHeaders, kept: RawHeaders): Pick<SentRequest, "dropped" | "changed"> {
  const left = new Map<string, string[]>();
  for (const [name, value] of headerPairs(kept)) {
    left.set(name.toLowerCase(), [...(left.get(name.toLowerCase()) ?? []), value]);
  }
  const dropped: string[] = [];
  const changed: string[] = [];
  for (const [name, value] of headerPairs(came)) {
    const now = left.get(name.toLowerCase())?.shift();
    if (now === undefined) dropped.push(name);
    else if (now !== value) changed.push(name);
  }
  return { dropped, changed };
}
