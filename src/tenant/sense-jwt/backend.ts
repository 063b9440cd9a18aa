import { randomInt } from "node:crypto";
import { signingKeyDigest, type AssertionKey } from "../assertion.ts";
import type { Backend } from "../backend.ts";
import { csrfHeader } from "../csrf.ts";
import { noHeaders, withParameters } from "../own-request.ts";
import type { OwnRequest, TenantAnswer } from "../port.ts";
import { bootstrap, csrfPath, type VirtualProxy } from "./bootstrap.ts";

/** What a Qlik Sense Enterprise server is reached by. */
export interface SenseSettings {
  readonly origin: string;
  readonly virtualProxy: VirtualProxy;
  /** An origin of the virtual proxy's host allow list. */
  readonly socketOrigin: string;
  readonly signingKey: AssertionKey;
}

/** facts §10.1 */
const xrfParameter = "xrfkey";
const xrfHeader = "x-qlik-xrfkey";
const xrfLength = 16;
const alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const ownedNames: ReadonlySet<string> = new Set([csrfHeader, xrfParameter, "qlikticket"]);

/** In any case of their letters: a server on Windows need not tell `QlikTicket` from `qlikTicket`. attacks W17 */
const ownedParameters = { has: (name: string): boolean => ownedNames.has(name.toLowerCase()) };

const csrfRequest: OwnRequest = { method: "GET", path: csrfPath, accept: "*/*" };

/**
 * Qlik Sense Enterprise, client-managed, by a virtual proxy with the method JWT: a cookie as at Qlik Cloud, but below a
 * prefix, with a key that every request says twice, and a token that only upgrades want. facts §10
 */
export function createSenseJwt({ origin, virtualProxy, socketOrigin, signingKey }: SenseSettings): Backend {
  const base = `/${virtualProxy.name}`;
  // Said in the query and in a header, so that another site cannot: it is no secret, and the same for everybody.
  const xrfKey = Array.from({ length: xrfLength }, () => alphanumerics[randomInt(alphanumerics.length)]).join(
    "",
  );
  const parameters = [xrfParameter, xrfKey];
  const headers: readonly string[] = Object.freeze([xrfHeader, xrfKey]);
  return {
    kind: "qlik-sense-jwt",
    storeName: `qlik-sense-jwt ${origin}${base}`,
    base,
    countsSessions: true,
    hidesProduct: true,
    socketOrigin,
    parameters,
    headers,
    ownedParameters,
    csrf: { request: csrfRequest, inRequests: false, cookie: null },
    probe: csrfRequest,
    signer: signingKeyDigest(signingKey),
    signIn: (attempt) =>
      bootstrap(
        { key: signingKey, virtualProxy, path: withParameters({ parameters }, csrfPath), headers },
        attempt,
      ),
    signOut: () => ({ method: "DELETE", path: "/qps/user", accept: "*/*" }),
    headersOf: () => noHeaders,
    isAuthLoss,
    // Whatever is wrong with an upgrade, it is answered with 403. facts §10.2
    mayBeUpgradeLoss: (answer) => answer.status === 403 || isAuthLoss(answer),
    // A 403 of this one path says it too. facts §10.1
    isAlive: (answer) => answer.status !== 403 && !isAuthLoss(answer),
    cookieRole: (name) => (name === virtualProxy.sessionCookie ? "session-id" : "other"),
  };
}

/** A redirect of any kind means "not signed in" here; whether it was the endpoint's own word, the probe tells. facts §10.1 */
const isAuthLoss = ({ status }: Pick<TenantAnswer, "status">): boolean =>
  status === 401 || status === 301 || status === 302;
