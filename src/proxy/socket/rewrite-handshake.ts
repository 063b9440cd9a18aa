import { SessionProxyError } from "../../errors.ts";
import { connectionNames, isHopByHop } from "../../http/hop-by-hop.ts";
import type { RawHeaders } from "../../http/raw-headers.ts";
import { appendQueryParameter, type Target } from "../../http/target.ts";
import type { Backend } from "../../tenant/backend.ts";
import { csrfHeader } from "../../tenant/csrf.ts";
import { checkHandshakeRequest } from "../../ws/handshake.ts";
import type { RequestHead } from "../request-head.ts";
import {
  forwardingHeaders,
  mayGoUpstream,
  ownQuery,
  withCredentials,
  type RequestRules,
  type SentCredentials,
} from "../http/rewrite-request.ts";

/** Lets pass what is an opening handshake beyond doubt. @throws SessionProxyError `QSP-TARGET` with 400 or 426 */
export function checkHandshake({
  method,
  rawHeaders,
  httpVersionMajor,
  httpVersionMinor,
}: RequestHead): void {
  const version = `${httpVersionMajor}.${httpVersionMinor}`;
  const handshake = checkHandshakeRequest(method ?? "", rawHeaders, version);
  if (!("status" in handshake)) return;
  throw new SessionProxyError("QSP-TARGET", handshake);
}

/** A handshake without credentials. */
export interface PreparedHandshake {
  /** Path at the tenant, without the query: what cookies go by. */
  readonly path: string;
  /** The client's query with what we say in every one, but for the token. */
  readonly query: string;
  /** Names and values in turn, without host and cookie. */
  readonly headers: readonly string[];
}

/** What the rewrite of a handshake depends on beside it. */
export interface HandshakeRules extends Omit<RequestRules, "tagSuffix" | "backend"> {
  readonly backend: Pick<Backend, "headers" | "ownedParameters" | "parameters" | "socketOrigin">;
}

/** Strips what the client may not decide; credentials are added by {@link withSocketCredentials}. */
export function prepareHandshake(
  { headers, target }: { readonly headers: RawHeaders; readonly target: Target },
  rules: HandshakeRules,
): PreparedHandshake {
  const { backend, clientAddress } = rules;
  const kept = handshakeHeaders(headers, rules);
  kept.push(...forwardingHeaders(clientAddress), ...backend.headers);
  // One that the tenant takes upgrades from; never the browser's. facts §4, §10.2
  if (backend.socketOrigin !== null) kept.push("origin", backend.socketOrigin);
  return { path: target.path, query: ownQuery(target.query, backend), headers: kept };
}

/** Adds what we own, last: the cookies or the token that shows the session, and the CSRF token where browsers have to put it, in the query. facts §3 */
export function withSocketCredentials(
  { path, query, headers }: PreparedHandshake,
  { csrfToken, ...shown }: SentCredentials & { readonly csrfToken: string },
): { readonly path: string; readonly headers: readonly string[] } {
  return {
    path: path + (csrfToken === "" ? query : appendQueryParameter(query, csrfHeader, csrfToken)),
    headers: withCredentials(headers, { ...shown, csrfToken: null }),
  };
}

/** What a handshake is made of; any other name that begins so is an alias of one of them behind us. attacks H2 */
const ofHandshake: ReadonlySet<string> = new Set([
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
]);

/** The handshake's own headers go end to end, so that compression and sub-protocols do; the rest as in any request. */
function handshakeHeaders(raw: RawHeaders, rules: Pick<RequestRules, "identityHeaders">): string[] {
  const listed = connectionNames(raw);
  // In the clear, because a refusal is looked into before it is passed on.
  const headers = ["connection", "Upgrade", "upgrade", "websocket", "accept-encoding", "identity"];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = name.toLowerCase();
    const passes =
      ofHandshake.has(lower) || (!isHopByHop(lower) && !listed.has(lower) && mayGoUpstream(lower, rules));
    if (passes && lower !== "accept-encoding") headers.push(name, value);
  }
  return headers;
}
