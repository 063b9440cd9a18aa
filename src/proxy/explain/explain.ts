import type { ErrorCode } from "../../errors.ts";
import { headerPairs, type RawHeaders } from "../../http/raw-headers.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import { needsIdentity, type RouteClass } from "../../policy/rule.ts";
import type { Verdict } from "../../policy/verdict.ts";
import { createAdmission } from "../admission.ts";
import { createClientAddress } from "../client-address.ts";
import type { OwnRoute } from "../own/own-routes.ts";
import type { RequestHead } from "../request-head.ts";
import { createRoutePolicy } from "../route-policy.ts";
import { createSite } from "../site.ts";
import { consequenceOf, type Consequence } from "./consequence.ts";
import { decide, type Decision, type Door } from "./decide.ts";
import { fromPage, sendersOf, type AskedFor } from "./senders.ts";

/** A request that nobody sends. */
export interface Question {
  /** An HTTP method; GET for an upgrade. */
  readonly method: string;
  readonly upgrade: boolean;
  /** As it would stand in the request line. */
  readonly target: string;
  /** What the `Host` header would say; the public origin's by default. */
  readonly host?: string;
  /** The origin whose page asks; the public one by default. */
  readonly origin?: string;
  /** The address that the connection comes from; that of {@link someClient} by default. */
  readonly peer?: string;
  /** Names and values in turn; they take the place of what a browser would say. An empty value leaves a header out. */
  readonly headers: RawHeaders;
}

/**
 * What would become of it, as plain data. What the question brought stands where it travels; no secret of the options or
 * of a session does.
 */
export interface Explanation extends Consequence {
  /** Path at the tenant, byte for byte as it would travel; null where the target has none. */
  readonly path: string | null;
  /** The rule that decided, and where it stands; null where the policy was not asked. */
  readonly policy: Pick<Verdict, "rule" | "from" | "reason"> | null;
  /** Who takes it. "elsewhere": the app, where the proxy is a part of one. */
  readonly taker:
    | { readonly kind: "tenant"; readonly routeClass: RouteClass; readonly needsIdentity: boolean }
    | { readonly kind: "own"; readonly route: OwnRoute["name"] }
    | { readonly kind: "elsewhere" | "nobody" };
  /** Row of the table of the site guard that decided; missing where it was not asked. rules R4 */
  readonly row?: number;
  /** What the door says to others who ask the same. */
  readonly senders: readonly SenderVerdict[];
}

/** What the door says to one kind of sender. */
export interface SenderVerdict {
  readonly who: string;
  readonly outcome: "pass" | "preflight" | "refused";
  /** Row of the table of the site guard, where it was asked. rules R4 */
  readonly row?: number;
  readonly code?: ErrorCode;
  readonly status?: number;
}

/** Answers questions with the very functions that requests go through; it opens no connection and asks nobody. */
export function createExplainer(options: ResolvedOptions): (question: Question) => Explanation {
  const door: Door = {
    options,
    site: createSite(options),
    admission: createAdmission(options, createRoutePolicy(options)),
    clientAddress: createClientAddress(options.trustedProxies),
  };
  return (question) => explain(door, question);
}

/** A client that is none of the front doors: the address is reserved for documents. @see RFC 5737 */
const someClient = "192.0.2.1";

function explain(door: Door, question: Question): Explanation {
  const { publicOrigin, allowedOrigins } = door.options;
  const seen = new URL(publicOrigin ?? "https://localhost");
  const host = question.host ?? seen.host;
  const headOf = (upgrade: boolean, headers: RawHeaders): RequestHead => ({
    method: upgrade ? "GET" : question.method,
    url: question.target,
    rawHeaders: ["Host", host, ...headers],
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    socket: { remoteAddress: question.peer ?? someClient, encrypted: seen.protocol === "https:" },
  });
  const own = door.site.originFor(headOf(false, []));
  const listed = [...allowedOrigins].filter((origin) => origin !== own);
  const asked: AskedFor = { method: question.method, upgrade: question.upgrade, own, listed };
  const sample = headOf(question.upgrade, fromPage(question.origin ?? own, asked));
  const request = { ...sample, rawHeaders: withHeaders(sample.rawHeaders, question.headers) };
  const decision = decide(door, request, question.upgrade);
  return {
    ...describe(decision),
    ...rowOf(decision),
    ...consequenceOf(door, request, decision),
    senders: sendersOf(asked).map(({ who, upgrade, headers }) => {
      const sender = headOf(upgrade, headers);
      const same = upgrade === question.upgrade ? withoutProvenance(question.headers) : [];
      const asking = { ...sender, rawHeaders: withHeaders(sender.rawHeaders, same) };
      return { who, ...verdictOf(door, asking, upgrade) };
    }),
  };
}

/** Puts headers in the place of those with their names. */
function withHeaders(sample: RawHeaders, given: RawHeaders): RawHeaders {
  const names = new Set(headerPairs(given).map(([name]) => name.toLowerCase()));
  return [
    ...headerPairs(sample).filter(([name]) => !names.has(name.toLowerCase())),
    ...headerPairs(given).filter(([, value]) => value !== ""),
  ].flat();
}

/** Who a request comes from; each sender says that for itself. */
const provenance: ReadonlySet<string> = new Set([
  "host",
  "origin",
  "referer",
  "sec-fetch-site",
  "sec-fetch-mode",
  "sec-fetch-dest",
]);

const withoutProvenance = (headers: RawHeaders): RawHeaders =>
  headerPairs(headers)
    .filter(([name]) => !provenance.has(name.toLowerCase()))
    .flat();

function describe({ place }: Decision): Pick<Explanation, "path" | "policy" | "taker"> {
  const verdict = "verdict" in place ? place.verdict : undefined;
  const policy = verdict ? { rule: verdict.rule, from: verdict.from, reason: verdict.reason } : null;
  const path = "target" in place ? (place.target?.path ?? null) : null;
  switch (place.kind) {
    case "tenant": {
      const { routeClass } = place;
      return {
        path,
        policy,
        taker: { kind: "tenant", routeClass, needsIdentity: needsIdentity(routeClass) },
      };
    }
    case "own":
      return { path, policy, taker: { kind: "own", route: place.route.name } };
    case "elsewhere":
      return { path, policy, taker: { kind: "elsewhere" } };
    case "refused":
      return { path, policy, taker: { kind: "nobody" } };
  }
}

const rowOf = ({ passage }: Decision): Pick<SenderVerdict, "row"> =>
  passage?.row === undefined ? {} : { row: passage.row };

function verdictOf(door: Door, request: RequestHead, upgrade: boolean): Omit<SenderVerdict, "who"> {
  const decision = decide(door, request, upgrade);
  const { refusal } = consequenceOf(door, request, decision);
  if (refusal !== undefined) {
    return { outcome: "refused", ...rowOf(decision), code: refusal.code, status: refusal.status };
  }
  const outcome = decision.passage?.outcome === "preflight" ? "preflight" : "pass";
  return { outcome, ...rowOf(decision) };
}
